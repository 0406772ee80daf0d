"""What is at a port: asked without credentials, with a bounded number of frames, or only heard."""

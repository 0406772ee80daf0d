"""smets1-bench: a hardware-in-the-loop test bench for the commissioning of SMETS1 devices."""

"""The strategy as data: what the public papers say of the MEHRS and the MAM, and what they do not.

`strategy` is the model, `loader` reads the shipped versions and a lab's overlay, `versions` picks
one by name or by date, `retry` turns limits into due times. The limits themselves stand in
`data/*.yaml`, each with its source and its status.
"""

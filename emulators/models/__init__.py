"""Device models: state and behaviour, apart from any link.

A model answers at once and knows no errors of transport; a host (`emulators.direct`, a wire
server) gives its answers time and a way to get lost. What a model will not do it says with
`Rejected`. Every class has `__slots__`, so a misspelt attribute raises.
"""

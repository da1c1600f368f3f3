"""What the air of a room, the sensors in it and the people under them do: closed formulas of time, one thing a file.

Everything here is pure and works on numbers and numpy arrays alike: time goes in, readings come out. Noise and chance
come in as draws made by the caller, so one seed gives one history.

Units: seconds, metres, degrees Celsius, kW, smoke in dB/m, CO in ppm by volume, combustible gas in % of the lower
explosive limit.
"""

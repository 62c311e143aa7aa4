"""Read labelled faces: a path goes in, `Splits` of uint8 grey images come out."""

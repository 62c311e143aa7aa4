"""What probabilities are worth: base rates that are the user's own, sets instead of one word, and what is no face.

NumPy alone: recognition, evaluation and export all ask here. In: probabilities (N, K). Out: better ones, or doubt.
"""

"""Videos, streams and cameras: read, followed face by face, and written with the faces drawn in.

PyAV reads and writes (FFmpeg inside its wheels), OpenCV opens cameras; both are imported when first needed.
"""

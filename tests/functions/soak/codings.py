"""Content codings of both sides; the two that this Python lacks from the libraries that Thaw is built with."""

import ctypes
import gzip
import zlib

LARGEST = 32 << 20  # bytes decoded
_zstd = ctypes.CDLL("libzstd.so.1")
for _call in (_zstd.ZSTD_compressBound, _zstd.ZSTD_compress, _zstd.ZSTD_decompress):
    _call.restype = ctypes.c_size_t
_brotli = ctypes.CDLL("libbrotlienc.so.1")


def zstd(data):
    """One frame."""
    room = _zstd.ZSTD_compressBound(ctypes.c_size_t(len(data)))
    to = ctypes.create_string_buffer(room)
    size = _zstd.ZSTD_compress(to, ctypes.c_size_t(room), data, ctypes.c_size_t(len(data)), 1)
    return to.raw[:size]


def unzstd(data):
    """What frames hold; the room for it grows, as they need not say how much that is."""
    room = min(max(1 << 16, 8 * len(data)), LARGEST)
    while room <= LARGEST:
        to = ctypes.create_string_buffer(room)
        size = _zstd.ZSTD_decompress(to, ctypes.c_size_t(room), data, ctypes.c_size_t(len(data)))
        if size <= room:
            return to.raw[:size]
        room *= 8
    raise ValueError("no zstd, or too much of it")


def brotli(data):
    """One stream, at the quality that a client can afford."""
    room = len(data) + 1024
    to, size = ctypes.create_string_buffer(room), ctypes.c_size_t(room)
    if not _brotli.BrotliEncoderCompress(1, 22, 0, ctypes.c_size_t(len(data)), data, ctypes.byref(size), to):
        raise ValueError("brotli failed")
    return to.raw[:size.value]


ENCODE = {"gzip": lambda data: gzip.compress(data, 1), "deflate": lambda data: zlib.compress(data, 1), "br": brotli, "zstd": zstd}
DECODE = {"gzip": gzip.decompress, "zstd": unzstd}


def decoded(coding, body):
    """A request's body as it was before it was compressed."""
    return DECODE[coding](body) if coding else body

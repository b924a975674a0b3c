# SPDX-License-Identifier: MIT
"""CRC-32C (Castagnoli) in Python, fast enough for hundreds of megabytes.

A large input is cut into LANES parts of equal length.  Each step processes one byte of every
part, and bytes.translate() looks up the table for all parts at once.  Then the checksums of the
parts are combined by the linear map "N zero bytes follow".
"""

POLYNOMIAL = 0x82F63B78
LANES = 8192


def _make_table():
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return table


TABLE = _make_table()
PLANES = [bytes(entry >> 8 * i & 0xFF for entry in TABLE) for i in range(4)]


def _plain(crc, data):
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc


def _xor(a, b):
    return (int.from_bytes(a, "little") ^ int.from_bytes(b, "little")).to_bytes(len(a), "little")


def _zeros_map(n):
    """The linear map of N zero bytes: what becomes of each bit of a checksum."""
    result = [1 << bit for bit in range(32)]
    power = [_plain(1 << bit, b"\0") for bit in range(32)]
    while n:
        if n & 1:
            result = [_apply(power, column) for column in result]
        power = [_apply(power, column) for column in power]
        n >>= 1
    return result


def _apply(linear_map, value):
    result = 0
    while value:
        low = value & -value
        result ^= linear_map[low.bit_length() - 1]
        value ^= low
    return result


def _side_by_side(crc, data, length):
    """Extends CRC by DATA, which is LANES parts of LENGTH bytes."""
    planes = [bytes(LANES)] * 4
    for i in range(length):
        index = _xor(planes[0], data[i::length])
        planes = [_xor(planes[1], index.translate(PLANES[0])),
                  _xor(planes[2], index.translate(PLANES[1])),
                  _xor(planes[3], index.translate(PLANES[2])),
                  index.translate(PLANES[3])]
    skip = _zeros_map(length)
    tables = [[_apply(skip, byte << 8 * i) for byte in range(256)] for i in range(4)]
    for a, b, c, d in zip(*planes):
        crc = (tables[0][crc & 0xFF] ^ tables[1][crc >> 8 & 0xFF] ^
               tables[2][crc >> 16 & 0xFF] ^ tables[3][crc >> 24] ^
               (a | b << 8 | c << 16 | d << 24))
    return crc


def crc32c(data, crc=0):
    """The checksum of DATA; or, with the checksum CRC of earlier bytes, of all together."""
    data = bytes(data)
    crc ^= 0xFFFFFFFF
    length = len(data) // LANES
    if length >= 16:
        crc = _side_by_side(crc, data[:LANES * length], length)
        data = data[LANES * length:]
    return _plain(crc, data) ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283

#!/usr/bin/env python3
"""What a memory error would meet in the binary that people run: random addresses, no page that is both written and
executed, tables of pointers that are read-only, canaries on the stack, checked copies, marks where indirect calls may
land. Seen in the binary itself, in our code and in OpenSSL's alike; the linker's map tells whose a piece is. The arm64
one where `make layer` has left it.
"""

import bisect
import re
import struct
import unittest

import sandbox

POSITION_INDEPENDENT = 3  # ET_DYN
LOAD, GNU_STACK, GNU_RELRO = 1, 0x6474E551, 0x6474E552  # elf(5)
EXECUTE, WRITE = 1, 2
OURS = re.compile(r"thaw\.lto|libsimdjson\.a")
OPENSSL = re.compile(r"openssl[^/]*/lib(crypto|ssl)\.a")
# What of it was compiled: each function has a section of its own. Its assembly for arm64 has no marks before 3.1.
OPENSSL_COMPILED = re.compile(OPENSSL.pattern + r"\(.*\):\(\.(?!text\))")
# endbr64; on arm64 bti c, bti jc, paciasp, pacibsp (Arm ARM, "BTI": both sign and may be landed on).
LANDING = {"x86_64": {0xFA1E0FF3}, "arm64": {0xD503245F, 0xD50324DF, 0xD503233F, 0xD503237F}}


class Binary:
    """A static ELF file of 64 bits and its map."""

    def __init__(self, arch, path, link_map):
        self.arch, self.data = arch, path.read_bytes()
        self.type, = struct.unpack_from("<H", self.data, 16)
        offset, = struct.unpack_from("<Q", self.data, 32)
        size, count = struct.unpack_from("<HH", self.data, 54)
        # (type, flags, offset, address, physical address, size in the file, in memory, alignment)
        self.segments = [struct.unpack_from("<IIQQQQQQ", self.data, offset + size * i) for i in range(count)]
        self.outputs, self.inputs, self.symbols = {}, [], {}
        for line in re.finditer(r"^ *(\w+) +\w+ +(\w+) +\d+ ( *)(\S.*)$", link_map.read_text(), re.MULTILINE):
            start, length, name = int(line[1], 16), int(line[2], 16), line[4]
            if not line[3]:
                self.outputs[name] = (start, length)
            elif len(line[3]) == 8:
                self.inputs.append((start, length, name))
            else:
                self.symbols[name] = start

    def segments_of(self, kind):
        """Program headers."""
        return [segment for segment in self.segments if segment[0] == kind]

    def bytes_at(self, address, length):
        """What is loaded there from the file."""
        for _, _, offset, start, _, in_file, _, _ in self.segments_of(LOAD):
            if start <= address and address + length <= start + in_file:
                return self.data[offset + address - start:offset + address - start + length]
        return b""

    def pieces(self, whose, section):
        """Where pieces of an output section lie that are `whose`."""
        begin, length = self.outputs[section]
        return [(start, size) for start, size, name in self.inputs
                if begin <= start < begin + length and size and whose.search(name)]

    def calls(self, whose, target):
        """How often code calls the address directly."""
        return sum(self.calls_in(start, size, target) for start, size in self.pieces(whose, ".text"))

    def calls_in(self, start, size, target):
        """call rel32, jmp rel32; bl, b."""
        code, found = self.bytes_at(start, size), 0
        if self.arch == "arm64":
            for at in range(0, size - 3, 4):
                word, = struct.unpack_from("<I", code, at)
                step = (word & 0x3FFFFFF) - ((word & 0x2000000) << 1)
                found += word >> 26 & 0x1F == 5 and start + at + 4 * step == target
            return found
        for opcode in (b"\xe8", b"\xe9"):
            at = code.find(opcode)
            while 0 <= at <= size - 5:
                found += start + at + 5 + struct.unpack_from("<i", code, at + 1)[0] == target
                at = code.find(opcode, at + 1)
        return found

    def relocated(self):
        """Addresses of words that the start adds the random address to; generic ABI, "Relative Relocation Table"."""
        start, length = self.outputs[".relr.dyn"]
        found, base = [], 0
        for entry, in struct.iter_unpack("<Q", self.bytes_at(start, length)):
            if entry & 1:
                found += [base + 8 * bit for bit in range(63) if entry >> (bit + 1) & 1]
                base += 8 * 63
            else:
                found.append(entry)
                base = entry + 8
        return found

    def pointers(self, whose):
        """Addresses of code of theirs in their tables, such as those of virtual functions."""
        code, tables = sorted(self.pieces(whose, ".text")), sorted(self.pieces(whose, ".data.rel.ro"))
        return {pointer for word in self.relocated() if lies_in(tables, word)
                for pointer in struct.unpack("<Q", self.bytes_at(word, 8)) if lies_in(code, pointer)}


def lies_in(pieces, address):
    """Whether one of the sorted (start, size) holds it."""
    at = bisect.bisect(pieces, (address, 2**64)) - 1
    return at >= 0 and address < sum(pieces[at])


class Hardening:
    """Each way, for one architecture."""

    def test_no_page_is_written_and_executed(self):
        for segment in self.binary.segments_of(LOAD):
            self.assertNotEqual(segment[1] & (WRITE | EXECUTE), WRITE | EXECUTE, segment)

    def test_no_address_is_known_beforehand(self):
        self.assertEqual(self.binary.type, POSITION_INDEPENDENT)

    def test_the_stack_is_not_executed(self):
        stack, = self.binary.segments_of(GNU_STACK)
        self.assertFalse(stack[1] & EXECUTE)

    def test_tables_of_pointers_are_read_only(self):
        relro, = self.binary.segments_of(GNU_RELRO)
        begin, end = relro[3], relro[3] + relro[6]
        # .got.plt is there only if nothing is bound later.
        for name in (".data.rel.ro", ".got", ".got.plt", ".init_array", ".fini_array"):
            if name in self.binary.outputs:
                start, length = self.binary.outputs[name]
                self.assertTrue(begin <= start and start + length <= end, f"{name} can be written")

    def test_canaries(self):
        target = self.binary.symbols["__stack_chk_fail"]
        for whose in (OURS, OPENSSL):
            with self.subTest(whose.pattern):
                self.assertGreater(self.binary.calls(whose, target), 50)

    def test_checked_copies(self):
        checked = [address for name, address in self.binary.symbols.items() if re.fullmatch(r"__\w+_chk", name)]
        for whose in (OURS, OPENSSL):
            with self.subTest(whose.pattern):
                self.assertGreater(sum(self.binary.calls(whose, target) for target in checked), 0)

    def test_indirect_calls_land_on_marks(self):
        for whose in (OURS, OPENSSL_COMPILED if self.binary.arch == "arm64" else OPENSSL):
            with self.subTest(whose.pattern):
                pointers = self.binary.pointers(whose)
                self.assertGreater(len(pointers), 100)
                bare = [pointer for pointer in pointers
                        if struct.unpack("<I", self.binary.bytes_at(pointer, 4))[0] not in LANDING[self.binary.arch]]
                self.assertEqual([hex(pointer) for pointer in bare], [])


class X86(Hardening, unittest.TestCase):
    """build/thaw."""

    @classmethod
    def setUpClass(cls):
        cls.binary = Binary("x86_64", sandbox.BUILD / "thaw", sandbox.BUILD / "release/bin/thaw.map")


ARM64 = sandbox.BUILD / "release-arm64/bin"


@unittest.skipUnless((ARM64 / "thaw").exists(), "not built: make layer")
class Arm64(Hardening, unittest.TestCase):
    """The layer's."""

    @classmethod
    def setUpClass(cls):
        cls.binary = Binary("arm64", ARM64 / "thaw", ARM64 / "thaw.map")


if __name__ == "__main__":
    unittest.main(verbosity=2)

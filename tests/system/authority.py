"""A private root and what it signs: for an upstream that speaks TLS."""

import pathlib
import ssl
import subprocess


class Authority:
    """In a folder of its own; `root` is what THAW_CA_FILE names."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.root = self.folder / "root.pem"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                      "/CN=Private root", "-days", "2", "-keyout", "root.key", "-out", "root.pem")
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                      "/CN=Upstream", "-keyout", "leaf.key", "-out", "leaf.csr")
        self.root.chmod(0o644)

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def context(self, *, names=("localhost",), addresses=("127.0.0.1",), days=2, least="TLSv1_2", most="TLSv1_3"):
        """A server's, with a certificate that is valid for so many days from now on."""
        entries = [*(f"DNS:{name}" for name in names), *(f"IP:{address}" for address in addresses)]
        (self.folder / "leaf.ext").write_text("subjectAltName=" + ",".join(entries))
        self._openssl("x509", "-req", "-in", "leaf.csr", "-CA", "root.pem", "-CAkey", "root.key", "-days", str(days),
                      "-extfile", "leaf.ext", "-out", "leaf.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version, context.maximum_version = ssl.TLSVersion[least], ssl.TLSVersion[most]
        if most < "TLSv1_2":
            context.set_ciphers("ALL:@SECLEVEL=0")
        context.load_cert_chain(self.folder / "leaf.pem", self.folder / "leaf.key")
        return context

"""A certificate authority and a server's certificate for loopback, for tests of TLS."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey


def make(folder: Path, *hosts: str) -> tuple[Path, Path]:
    """Returns the authority's certificate, and a file with a server's key (PKCS 8) and its chain, as PEM.

    Args:
        hosts: names that the server goes by besides localhost.
    """
    root, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    name = _name("test authority")
    authority = _certificate(name, name, root, root, hosts, is_authority=True)
    certificate = _certificate(_name("127.0.0.1"), name, server, root, hosts, is_authority=False)
    file, identity = folder / "ca.crt", folder / "server.pem"
    file.write_bytes(authority.public_bytes(Encoding.PEM))
    key = server.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    identity.write_bytes(key + certificate.public_bytes(Encoding.PEM) + file.read_bytes())
    return file, identity


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: Key, by: Key, hosts: tuple[str, ...], *, is_authority: bool
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    dns = [x509.DNSName(host) for host in ("localhost", *hosts)]
    names = [*dns, x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
        .add_extension(_usage(is_authority), critical=True)
        .sign(by, hashes.SHA256())
    )


def _usage(is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

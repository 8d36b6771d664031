# Opens a value of the vault with nothing of nanoguard: the passphrase, vault.json and the row on stdin, the value on stdout.
import base64, hashlib, hmac, json, sys
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

given = json.load(sys.stdin)
vault, row = json.loads(given["vault"]), given["row"]


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def unseal(key, sealed, context):
    data = base64.b64decode(sealed)
    assert data[0] == 1
    return AESGCM(key).decrypt(data[1:13], data[13:], context.encode())


cost = vault["protection"]["scrypt"]
salt = base64.b64decode(cost["salt"])
kek = hashlib.scrypt(
    given["passphrase"].encode(), salt=salt, n=2 ** cost["logN"], r=cost["r"], p=cost["p"], maxmem=2**31 - 1, dklen=32
)
head = {name: value for name, value in vault.items() if name != "wrapped"}
vault_key = unseal(kek, vault["wrapped"], "nanoguard-vault-v1\n" + canonical(head))
extracted = hmac.digest(bytes(32), vault_key, "sha256")
values = hmac.digest(extracted, b"nanoguard-vault-v1/values\x01", "sha256")
sys.stdout.write(unseal(values, row["sealed"], "nanoguard-credential-v1\n" + row["credential"]).decode())

# Certificates and kubeconfig files. Sourced by up.sh, after env.sh.
PKI=$STATE/pki

new_key() { openssl req "$@" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes 2>/dev/null; }

make_authority() {
  new_key -x509 -days 3650 -subj /CN=hedgerow-onenode -keyout "$PKI/ca.key" -out "$PKI/ca.crt"
  openssl genrsa -out "$PKI/accounts.key" 2048 2>/dev/null
  openssl rsa -in "$PKI/accounts.key" -pubout -out "$PKI/accounts.pub" 2>/dev/null
}

# make_certificate FILE SUBJECT [NAMES]: a server's when it has names, else a client's.
make_certificate() {
  local file=$PKI/$1 use=clientAuth
  [ -z "${3-}" ] || use=serverAuth
  new_key -new -subj "$2" -keyout "$file.key" -out "$file.csr"
  { echo "extendedKeyUsage=$use"; [ -z "${3-}" ] || echo "subjectAltName=$3"; } >"$file.ext"
  openssl x509 -req -in "$file.csr" -CA "$PKI/ca.crt" -CAkey "$PKI/ca.key" -CAcreateserial -days 3650 \
    -extfile "$file.ext" -out "$file.crt" 2>/dev/null
}

# make_client FILE SUBJECT: a certificate, and the kubeconfig that uses it.
make_client() {
  make_certificate "$1" "$2"
  (umask 077; cat >"$STATE/kubeconfig/$1" <<YAML
apiVersion: v1
kind: Config
current-context: onenode
clusters: [{name: onenode, cluster: {server: "https://$NODE_IP:6443", certificate-authority-data: $(base64 -w0 "$PKI/ca.crt")}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 "$PKI/$1.crt"), client-key-data: $(base64 -w0 "$PKI/$1.key")}}]
contexts: [{name: onenode, context: {cluster: onenode, user: $1, namespace: default}}]
YAML
  )
}

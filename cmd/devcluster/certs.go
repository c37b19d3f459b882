package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// clusterName names the cluster, user and context in kubeconfigs.
const clusterName = "devcluster"

// certLife is long, because certificates are made once for a directory.
const certLife = 10 * 365 * 24 * time.Hour

// clients get a certificate and a kubeconfig each. All are in system:masters, and so
// cluster admins; the names distinguish them in audit logs and metadata.
var clients = map[string]string{ // kubeconfig -> common name
	kubeconfigFile: "devcluster-admin",
	pkiDir + "/controller-manager.kubeconfig": "system:kube-controller-manager",
	pkiDir + "/scheduler.kubeconfig":          "system:kube-scheduler",
	pkiDir + "/kwok.kubeconfig":               "system:kwok",
}

// pair is a private key with its certificate.
type pair struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// prepare makes missing keys, certificates and kubeconfigs, and points the kubeconfigs
// at the API server's address.
func (s *state) prepare(address string) error {
	if err := os.MkdirAll(s.path(pkiDir), 0o700); err != nil {
		return fmt.Errorf("make the key directory: %w", err)
	}
	ca, err := s.keyPair("ca", nil, caTemplate())
	if err != nil {
		return err
	}
	if _, err := s.keyPair("apiserver", ca, serverTemplate()); err != nil {
		return err
	}
	if err := s.serviceAccountKey(); err != nil {
		return err
	}
	for file, name := range clients {
		if err := s.kubeconfig(file, name, address, ca); err != nil {
			return err
		}
	}
	return nil
}

// keyPair reads pki/name.{crt,key}, or makes them, signed by ca or else by itself. It
// replaces a pair that another ca signed.
func (s *state) keyPair(name string, ca *pair, template *x509.Certificate) (*pair, error) {
	if _, err := os.Stat(s.path(pkiDir, name+".crt")); !errors.Is(err, os.ErrNotExist) {
		p, err := s.readPair(name)
		if err != nil || ca == nil || p.cert.CheckSignatureFrom(ca.cert) == nil {
			return p, err
		}
	}
	p, err := newPair(ca, template)
	if err != nil {
		return nil, fmt.Errorf("make certificate %s: %w", name, err)
	}
	if err := s.writeKey(name+".key", p.key); err != nil {
		return nil, err
	}
	// The certificate comes last: a pair is complete when it exists.
	return p, writeFile(s.path(pkiDir, name+".crt"), p.certPEM())
}

func (s *state) readPair(name string) (*pair, error) {
	certFile := s.path(pkiDir, name+".crt")
	certPEM, err := os.ReadFile(certFile)
	if err != nil {
		return nil, fmt.Errorf("read certificate %s: %w", name, err)
	}
	keyPEM, err := os.ReadFile(s.path(pkiDir, name+".key"))
	if err != nil {
		return nil, fmt.Errorf("read key %s: %w; remove %s to make both anew", name, err, certFile)
	}
	certBlock, _ := pem.Decode(certPEM)
	keyBlock, _ := pem.Decode(keyPEM)
	if certBlock == nil || keyBlock == nil {
		return nil, fmt.Errorf("read certificate %s: no PEM data; remove %s to make it anew", name, certFile)
	}
	p := &pair{}
	if p.cert, err = x509.ParseCertificate(certBlock.Bytes); err != nil {
		return nil, fmt.Errorf("read certificate %s: %w", name, err)
	}
	if p.key, err = x509.ParseECPrivateKey(keyBlock.Bytes); err != nil {
		return nil, fmt.Errorf("read key %s: %w", name, err)
	}
	return p, nil
}

// newPair makes a key and certifies it with ca, or with itself if ca is nil.
func newPair(ca *pair, template *x509.Certificate) (*pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126)); err != nil {
		return nil, err
	}
	template.NotBefore = time.Now().Add(-time.Hour) // clocks differ
	template.NotAfter = time.Now().Add(certLife)
	parent, signer := template, key
	if ca != nil {
		parent, signer = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &pair{cert: cert, key: key}, err
}

func (p *pair) certPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw})
}

func keyPEM(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

func caTemplate() *x509.Certificate {
	return &x509.Certificate{
		Subject:               pkix.Name{CommonName: "devcluster-ca"},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
}

func serverTemplate() *x509.Certificate {
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.ParseIP(apiServiceIP)},
	}
}

func clientTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: name, Organization: []string{"system:masters"}},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

// serviceAccountKey makes the key that signs service account tokens.
func (s *state) serviceAccountKey() error {
	public := s.path(pkiDir, "sa.pub")
	if _, err := os.Stat(public); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the service account key: %w", err)
	}
	if err := s.writeKey("sa.key", key); err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("encode the service account key: %w", err)
	}
	return writeFile(public, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// kubeconfig writes a kubeconfig for the server at address. It keeps the certificate of
// an earlier one, if ca signed it.
func (s *state) kubeconfig(file, user, address string, ca *pair) error {
	path := s.path(file)
	config, err := clientcmd.LoadFromFile(path)
	if err != nil || !ca.certified(config.AuthInfos[clusterName]) {
		if config, err = newKubeconfig(user, ca); err != nil {
			return fmt.Errorf("make %s: %w", file, err)
		}
	}
	config.Clusters = map[string]*clientcmdapi.Cluster{clusterName: {
		Server:                   "https://" + address,
		CertificateAuthorityData: ca.certPEM(),
	}}
	data, err := clientcmd.Write(*config)
	if err != nil {
		return fmt.Errorf("encode %s: %w", file, err)
	}
	return writeFile(path, data)
}

// certified reports whether p signed the user's certificate.
func (p *pair) certified(user *clientcmdapi.AuthInfo) bool {
	if user == nil {
		return false
	}
	block, _ := pem.Decode(user.ClientCertificateData)
	if block == nil {
		return false
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	return err == nil && cert.CheckSignatureFrom(p.cert) == nil
}

func newKubeconfig(user string, ca *pair) (*clientcmdapi.Config, error) {
	p, err := newPair(ca, clientTemplate(user))
	if err != nil {
		return nil, err
	}
	key, err := keyPEM(p.key)
	if err != nil {
		return nil, err
	}
	config := clientcmdapi.NewConfig()
	config.AuthInfos[clusterName] = &clientcmdapi.AuthInfo{ClientCertificateData: p.certPEM(), ClientKeyData: key}
	config.Contexts[clusterName] = &clientcmdapi.Context{Cluster: clusterName, AuthInfo: clusterName}
	config.CurrentContext = clusterName
	return config, nil
}

func (s *state) writeKey(name string, key *ecdsa.PrivateKey) error {
	data, err := keyPEM(key)
	if err != nil {
		return err
	}
	return writeFile(s.path(pkiDir, name), data)
}

// writeFile replaces the file at path, readable by its owner only; a reader sees
// the old content or the new.
func writeFile(path string, data []byte) error {
	temp := path + ".new"
	if err := os.WriteFile(temp, data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(temp, path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

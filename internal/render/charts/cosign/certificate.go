package cosign

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	of "golang.org/x/crypto/cryptobyte/asn1"
)

// Extensions of certificates (Fulcio, docs/oid-info.md; RFC 6962, 3.3).
var (
	oidIssuerOld = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 1} // the bare text
	oidIssuer    = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8} // a UTF8String
	oidSCTs      = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}
)

// issued returns the certificate of the authority that has issued one which was valid at a time.
// Of the chain only the certificate itself is the signature's: the rest is the root's.
func (r *Root) issued(certificate *x509.Certificate, at time.Time) (*x509.Certificate, error) {
	for _, a := range r.authorities {
		if !a.has(at) {
			continue
		}
		roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
		roots.AddCert(a.root)
		for _, i := range a.intermediates {
			intermediates.AddCert(i)
		}
		chains, err := certificate.Verify(x509.VerifyOptions{
			CurrentTime: at, Roots: roots, Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		})
		if err == nil && len(chains) > 0 && len(chains[0]) > 1 && !certificate.IsCA {
			return chains[0][1], nil
		}
	}
	if at.Before(certificate.NotBefore) || at.After(certificate.NotAfter) {
		return nil, fmt.Errorf("was logged at %s, when its certificate was not valid", at.UTC().Format(time.RFC3339))
	}
	return nil, errors.New("has a certificate that no trusted authority has issued for it")
}

// named returns who a certificate is of. Fulcio's have one name.
func named(certificate *x509.Certificate) (signer, error) {
	names := certificate.EmailAddresses
	for _, address := range certificate.URIs {
		names = append(names, address.String())
	}
	if len(names) != 1 || names[0] == "" {
		return signer{}, errors.New("has a certificate without a name, or with several")
	}
	who := signer{subject: names[0]}
	for _, e := range certificate.Extensions {
		switch {
		case e.Id.Equal(oidIssuer):
			if rest, err := asn1.UnmarshalWithParams(e.Value, &who.issuer, "utf8"); err != nil || len(rest) > 0 {
				return signer{}, errors.New("has a certificate whose issuer cannot be read")
			}
		case e.Id.Equal(oidIssuerOld) && who.issuer == "":
			who.issuer = string(e.Value)
		}
	}
	if who.issuer == "" {
		return signer{}, errors.New("has a certificate without the issuer of a login")
	}
	return who, nil
}

// published checks that the issue of a certificate is in a trusted log: one of the signed
// timestamps in it is of such (RFC 6962, 3.2).
func (r *Root) published(certificate, by *x509.Certificate) error {
	var list cryptobyte.String
	for _, e := range certificate.Extensions {
		if e.Id.Equal(oidSCTs) {
			value := cryptobyte.String(e.Value)
			if !value.ReadASN1(&list, of.OCTET_STRING) {
				return errUnpublished
			}
		}
	}
	issue, err := withoutSCTs(certificate)
	if err != nil {
		return err
	}
	key := sha256.Sum256(by.RawSubjectPublicKeyInfo)
	var all cryptobyte.String
	if !list.ReadUint16LengthPrefixed(&all) {
		return errUnpublished
	}
	for !all.Empty() {
		var one cryptobyte.String
		if !all.ReadUint16LengthPrefixed(&one) {
			return errUnpublished
		}
		if r.timestamped(one, key[:], issue) {
			return nil
		}
	}
	return errUnpublished
}

var errUnpublished = errors.New("has a certificate whose issue is in no trusted log")

// timestamped reports whether a signed timestamp is a trusted log's, of the issue of a
// certificate by a key.
func (r *Root) timestamped(sct cryptobyte.String, key, issue []byte) bool {
	var version, hashed, signed uint8
	var at uint64
	var id []byte
	var extensions, signature cryptobyte.String
	if !sct.ReadUint8(&version) || version != 0 || !sct.ReadBytes(&id, sha256.Size) || !sct.ReadUint64(&at) ||
		!sct.ReadUint16LengthPrefixed(&extensions) || !sct.ReadUint8(&hashed) || !sct.ReadUint8(&signed) ||
		!sct.ReadUint16LengthPrefixed(&signature) || !sct.Empty() {
		return false
	}
	const sha256Hash, ecdsaSignature = 4, 3 // RFC 5246, 7.4.1.4.1
	log, known := r.issues[hex.EncodeToString(id)]
	if !known || log.key == nil || hashed != sha256Hash || signed != ecdsaSignature || at > 1<<48 || !log.has(time.UnixMilli(int64(at))) {
		return false
	}
	var text cryptobyte.Builder
	text.AddUint8(0) // version 1
	text.AddUint8(0) // of the timestamp of a certificate
	text.AddUint64(at)
	text.AddUint16(1) // of a certificate before it has timestamps
	text.AddBytes(key)
	text.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(issue) })
	text.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(extensions) })
	written, err := text.Bytes()
	if err != nil {
		return false
	}
	sum := sha256.Sum256(written)
	return ecdsa.VerifyASN1(log.key, sum[:], signature)
}

// withoutSCTs is what was signed of a certificate, without the extension that has the timestamps:
// as the log has seen it.
func withoutSCTs(certificate *x509.Certificate) ([]byte, error) {
	const extensions = 3 // the tag (RFC 5280, 4.1)
	unreadable := errors.New("has a certificate that cannot be read")
	input := cryptobyte.String(certificate.RawTBSCertificate)
	var fields cryptobyte.String
	if !input.ReadASN1(&fields, of.SEQUENCE) {
		return nil, unreadable
	}
	var rest []cryptobyte.String
	var kept []byte
	for !fields.Empty() {
		var field cryptobyte.String
		var tag of.Tag
		if !fields.ReadAnyASN1Element(&field, &tag) {
			return nil, unreadable
		}
		if tag != of.Tag(extensions).ContextSpecific().Constructed() {
			rest = append(rest, field)
			continue
		}
		var outer, list cryptobyte.String
		if !field.ReadASN1(&outer, tag) || !outer.ReadASN1(&list, of.SEQUENCE) {
			return nil, unreadable
		}
		for !list.Empty() {
			var one, inner cryptobyte.String
			var id asn1.ObjectIdentifier
			if !list.ReadASN1Element(&one, of.SEQUENCE) {
				return nil, unreadable
			}
			if look := one; !look.ReadASN1(&inner, of.SEQUENCE) || !inner.ReadASN1ObjectIdentifier(&id) {
				return nil, unreadable
			}
			if !id.Equal(oidSCTs) {
				kept = append(kept, one...)
			}
		}
	}
	var text cryptobyte.Builder
	text.AddASN1(of.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, field := range rest {
			b.AddBytes(field)
		}
		b.AddASN1(of.Tag(extensions).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1(of.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(kept) })
		})
	})
	return text.Bytes()
}

// Verify lets Go's crypto/x509, the library etcd uses, judge an authority, a certificate of its and
// its revocation list: verify AUTHORITY.der CERTIFICATE.der LIST.der
package main

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

func main() {
	if err := verify(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func verify(authorityFile, certificateFile, listFile string) error {
	authority, err := readCertificate(authorityFile)
	if err != nil {
		return err
	}
	certificate, err := readCertificate(certificateFile)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		for _, now := range []time.Time{time.Unix(0, 0), time.Now(), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)} {
			options := x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{usage}, CurrentTime: now}
			if _, err := certificate.Verify(options); err != nil {
				return fmt.Errorf("at %v: %w", now, err)
			}
		}
	}

	der, err := os.ReadFile(listFile)
	if err != nil {
		return err
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return err
	}
	if err := list.CheckSignatureFrom(authority); err != nil {
		return err
	}
	// What etcd 3.4 to 3.6 do at each handshake (pkg/transport/listener_tls.go): the deprecated
	// parser, no look at signature or dates, serial numbers compared as bytes.
	etcdList, err := x509.ParseCRL(der)
	if err != nil {
		return err
	}
	if err := authority.CheckCRLSignature(etcdList); err != nil {
		return err
	}
	if etcdList.HasExpired(time.Now()) {
		return fmt.Errorf("the list has expired")
	}
	refused := false
	revoked := []string{}
	for _, entry := range etcdList.TBSCertList.RevokedCertificates {
		if string(entry.SerialNumber.Bytes()) == string(certificate.SerialNumber.Bytes()) {
			refused = true
		}
		revoked = append(revoked, entry.SerialNumber.Text(16))
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"issuer":       certificate.Issuer.String(),
		"commonName":   certificate.Subject.CommonName,
		"organization": certificate.Subject.Organization,
		"serial":       certificate.SerialNumber.Text(16),
		"addresses":    certificate.IPAddresses,
		"dnsNames":     certificate.DNSNames,
		"crlNumber":    list.Number.String(),
		"revoked":      revoked,
		"refused":      refused,
	})
}

func readCertificate(file string) (*x509.Certificate, error) {
	der, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

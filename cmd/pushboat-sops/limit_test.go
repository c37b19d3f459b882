package main

import (
	"path/filepath"
	"reflect"
	"testing"
)

// TestRequestsAreLimited: a file is opened with the keys that its request may use, and says
// which of all keys would open it.
func TestRequestsAreLimited(t *testing.T) {
	at := func(name string) string { return filepath.Join("testdata", "keys", name) }
	ring := keyFiles(t, "age", "pgp-curve", "pgp-rsa")
	for what, test := range map[string]struct {
		file    string
		limited bool
		files   []string
		opens   bool
		openers [][]string
		needs   int
	}{
		"all":                {file: "age.yaml", opens: true, openers: [][]string{{at("age")}}, needs: 1},
		"the key":            {file: "age.yaml", limited: true, files: []string{at("age")}, opens: true, openers: [][]string{{at("age")}}, needs: 1},
		"another key":        {file: "age.yaml", limited: true, files: []string{at("pgp-curve")}},
		"none":               {file: "age.yaml", limited: true},
		"a key of PGP":       {file: "pgp-rsa.yaml", limited: true, files: []string{at("pgp-rsa")}, opens: true, openers: [][]string{{at("pgp-rsa")}}, needs: 1},
		"another one of PGP": {file: "pgp-rsa.yaml", limited: true, files: []string{at("pgp-curve"), at("age")}},
		"two groups":         {file: "groups.yaml", limited: true, files: []string{at("age"), at("pgp-curve")}, opens: true, openers: [][]string{{at("pgp-curve")}, {at("age")}}, needs: 2},
		"one of two groups":  {file: "groups.yaml", limited: true, files: []string{at("age")}},
	} {
		t.Run(what, func(t *testing.T) {
			got := ring.open(request{Format: "yaml", Data: read(t, test.file), Limited: test.limited, Files: test.files})
			if (got.Failure == "") != test.opens || (got.Plain != nil) != test.opens {
				t.Fatalf("failure %q, %d bytes", got.Failure, len(got.Plain))
			}
			if !reflect.DeepEqual(got.Openers, test.openers) || got.Needs != test.needs {
				t.Errorf("opened by %q, of which it needs %d", got.Openers, got.Needs)
			}
			if !test.opens && (got.Failure != noKey || len(got.Readers) == 0) {
				t.Errorf("failure %q, readers %q", got.Failure, got.Readers)
			}
		})
	}
}

// cloudKey is a key of a cloud or Vault.
type cloudKey struct{ id string }

func (k cloudKey) Encrypt([]byte) error         { return nil }
func (k cloudKey) EncryptIfNeeded([]byte) error { return nil }
func (k cloudKey) EncryptedDataKey() []byte     { return nil }
func (k cloudKey) SetEncryptedDataKey([]byte)   {}
func (k cloudKey) Decrypt() ([]byte, error)     { return nil, errNotOurs }
func (k cloudKey) NeedsRotation() bool          { return false }
func (k cloudKey) ToString() string             { return k.id }
func (k cloudKey) ToMap() map[string]any        { return nil }
func (k cloudKey) TypeToIdentifier() string     { return "kms" }

// TestKeysOfCloudsAreLimited: such a key has to be named by the configuration and given by
// the request.
func TestKeysOfCloudsAreLimited(t *testing.T) {
	ring := &keyring{allowed: []string{"arn:a:*", "arn:b:1"}}
	for _, test := range []struct {
		asked request
		id    string
		want  bool
	}{
		{request{}, "arn:a:1", true},
		{request{}, "arn:b:2", false},
		{request{Limited: true}, "arn:a:1", true},
		{request{Limited: true, Only: []string{}}, "arn:a:1", false},
		{request{Limited: true, Only: []string{"arn:a:1"}}, "arn:a:1", true},
		{request{Limited: true, Only: []string{"arn:a:1"}}, "arn:a:2", false},
		{request{Limited: true, Only: []string{"arn:b:*"}}, "arn:b:1", true},
		{request{Limited: true, Only: []string{"arn:b:*"}}, "arn:b:2", false},
		{request{Limited: true, Except: []string{"arn:a:*"}}, "arn:a:1", false},
		{request{Limited: true, Except: []string{"arn:a:1"}}, "arn:a:2", true},
	} {
		if got := ring.within(test.asked).mayAsk(cloudKey{test.id}); got != test.want {
			t.Errorf("%+v: %s may be asked: %v", test.asked, test.id, got)
		}
	}
}

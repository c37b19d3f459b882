package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/hcvault"
)

// TestVault: if the configuration allows a Vault, its transit engine decrypts a data key,
// with the Vault's token. No other Vault is ever asked.
func TestVault(t *testing.T) {
	asked := 0
	vault := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		var request struct {
			Ciphertext string `json:"ciphertext"`
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil || r.URL.Path != "/v1/sops/decrypt/shop" || r.Header.Get("X-Vault-Token") != "token" {
			http.Error(w, `{"errors": ["permission denied"]}`, http.StatusForbidden)
			return
		}
		answer := map[string]any{"data": map[string]string{"plaintext": strings.TrimPrefix(request.Ciphertext, "vault:v1:")}}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	defer vault.Close()
	t.Setenv("VAULT_TOKEN", "token")
	t.Setenv("VAULT_ADDR", "")
	address := vault.URL + "/v1/sops/keys/shop"
	sealed := sealedByVault(t, address)
	k := keyFiles(t)
	if got := k.open(request{Format: "yaml", Data: sealed}); got.Failure != noKey || asked > 0 {
		t.Errorf("not allowed: failure %q, asked %d times", got.Failure, asked)
	}
	k.allowed = []string{address}
	if got := k.open(request{Format: "yaml", Data: sealed}); string(got.Plain) != string(read(t, "plain.yaml")) {
		t.Errorf("allowed: got %q, failure %q %s", got.Plain, got.Failure, got.Detail)
	}
}

// sealedByVault is age.yaml with its data key encrypted by a key of Vault.
func sealedByVault(t *testing.T, address string) []byte {
	t.Helper()
	store, err := storeFor("yaml")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := store.LoadEncryptedFile(read(t, "age.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := keyFiles(t, "age").dataKey(tree)
	if err != nil {
		t.Fatal(err)
	}
	key, err := hcvault.NewMasterKeyFromURI(address)
	if err != nil {
		t.Fatal(err)
	}
	key.SetEncryptedDataKey([]byte("vault:v1:" + base64.StdEncoding.EncodeToString(data)))
	tree.Metadata.KeyGroups = []sops.KeyGroup{{key}}
	sealed, err := store.EmitEncryptedFile(tree)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

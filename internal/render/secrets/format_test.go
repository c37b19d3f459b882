package secrets

import "testing"

const mac = "ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]"

// TestFormat: files that SOPS has encrypted are recognized by their text, and no
// others.
func TestFormat(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a.yaml", "a: " + mac + "\nsops:\n    age: []\n    mac: " + mac + "\n", "yaml"},
		{"a.yaml", "a: " + mac + "\r\nsops:\r\n    mac: " + mac + "\r\n", "yaml"},
		{"values", "sops:\n  mac: " + mac + "\na: b\n", "yaml"},
		{"a.json", `{"a": "b", "sops": {"mac": "` + mac + `"}}`, "json"},
		{"a.json", `{"data": "b", "sops": {"mac": "` + mac + `"}}`, "json"},
		{"a.yaml", `{"data": "b", "sops": {"mac": "` + mac + `"}}`, "yaml"},
		{"a.pem", ` {"data": "b", "sops": {"mac": "` + mac + `"}}`, "binary"},
		{"a.conf", `{"data": "b", "c": "d", "sops": {"mac": "` + mac + `"}}`, "json"},
		{".env", "A=" + mac + "\nsops_version=3.13.3\nsops_mac=" + mac + "\n", "dotenv"},
		{"a.ini", "[a]\nb = " + mac + "\n\n[sops]\nversion = 3\nmac = " + mac + "\n", "ini"},
		{"a.yaml", "kind: ConfigMap\ndata:\n  text: |\n    sops:\n      mac: " + mac + "\n", ""},
		{"a.yaml", "sops: " + mac + "\nmac: x\n", ""},
		{"a.yaml", "sops:\n  # ENC[AES256_GCM,\nmac: " + mac + "\n", ""},
		{"a.json", `{"sops": "` + mac + `"}`, ""},
		{"a.json", `{"a": {"sops": {"mac": "` + mac + `"}}}`, ""},
		{"a.json", `{"sops": {"mac": "` + mac + `"}`, ""},
		{"a.yaml", "", ""},
	} {
		if got := formatOf(c.name, []byte(c.text)); got != c.want {
			t.Errorf("%s: format %q, want %q:\n%s", c.name, got, c.want, c.text)
		}
	}
}

func FuzzFormat(f *testing.F) {
	f.Add("a.yaml", []byte("sops:\n mac: "+mac))
	f.Add("a", []byte(`{"sops": {"mac": "`+mac+`"}}`))
	f.Add("a", []byte("sops_mac="+mac))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		switch formatOf(name, data) {
		case "", "yaml", "json", "binary", "dotenv", "ini":
		default:
			t.Error("an unknown format")
		}
	})
}

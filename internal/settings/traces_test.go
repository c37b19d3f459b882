package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReceiversOfTraces(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "",
		"none":                              "",
		"http://collector:4318":             "http://collector:4318/v1/traces",
		"https://otel.example.org/tenant/":  "https://otel.example.org/tenant/v1/traces",
		"collector:4318":                    "no address",
		"grpc://collector:4317":             "no address",
		"http://ana:canary@collector:4318":  "credentials",
		"http://collector:4318/?key=canary": "more in the value",
	} {
		traces := Traces{Endpoint: text}
		p := &problems{config: &Config{}}
		traces.check(p)
		if len(p.found) == 0 {
			if is := traces.URL(); is != want {
				t.Errorf("%q leads to %q, want %q", text, is, want)
			}
		} else if is := p.found[0].Message; !strings.Contains(is, want) || want == "" || strings.Contains(is, "canary") {
			t.Errorf("%q: %s", text, is)
		}
	}
}

func TestVariableOfOpenTelemetry(t *testing.T) {
	for _, c := range []struct{ own, variable, want string }{
		{"", "", ""},
		{"", "http://one:4318", "http://one:4318/v1/traces"},
		{"http://two:4318", "http://one:4318", "http://two:4318/v1/traces"},
		{"none", "http://one:4318", ""},
	} {
		config := Config{Traces: Traces{Endpoint: c.own}, origins: origins{places: map[string]Place{}}}
		config.readOTel(environment{lookup: func(name string) (string, bool) {
			return c.variable, name == otelEndpoint
		}})
		if is := config.Traces.URL(); is != c.want {
			t.Errorf("%+v: traces go to %q", c, is)
		}
	}
}

func TestHeadersForTheReceiver(t *testing.T) {
	file := filepath.Join(t.TempDir(), "headers")
	for text, want := range map[string]string{
		"Authorization: Bearer canary\n\nX-Tenant: shop\n": "",
		"canary":                             "line 1",
		"A: b\nBad Name: canary":             "line 2",
		"A: canary\x01":                      "line 1",
		strings.Repeat("x", maxHeaderFile+1): "more than",
		strings.Repeat("A: b\n", 3000):       "",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		headers, err := Traces{Headers: file}.ReadHeaders()
		switch {
		case want == "" && (err != nil || len(headers) == 0):
			t.Errorf("%.20q: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary")):
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
	if _, err := (Traces{Headers: file + ".none"}).ReadHeaders(); err == nil {
		t.Error("a file that is not there is read")
	}
	if headers, err := (Traces{}).ReadHeaders(); err != nil || len(headers) > 0 {
		t.Errorf("without a file: %v, %v", headers, err)
	}
}

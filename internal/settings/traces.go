package settings

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
)

// otelEndpoint is the variable of OpenTelemetry that counts where traces.endpoint is not set.
const otelEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"

// noTraces turns traces off where the variable is set.
const noTraces = "none"

// readOTel reads the variable of OpenTelemetry.
func (c *Config) readOTel(env environment) {
	if text, _ := env.lookup(otelEndpoint); text != "" && c.Traces.Endpoint == "" {
		c.Traces.Endpoint = text
		c.origins.set("traces.endpoint", Place{Name: otelEndpoint})
	}
}

// URL is where traces are sent; "" if traces are off. The settings have been checked.
func (t Traces) URL() string {
	if t.Endpoint == "" || t.Endpoint == noTraces {
		return ""
	}
	return strings.TrimSuffix(t.Endpoint, "/") + "/v1/traces"
}

// check notes mistakes in the settings of traces.
func (t Traces) check(p *problems) {
	if t.URL() != "" {
		p.add("traces.endpoint", checkReceiver(t.Endpoint))
	}
}

// checkReceiver refuses an address without repeating it: it may contain a password.
func checkReceiver(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return errors.New("the value is no address of a receiver; write http://otel-collector.example.org:4318")
	case u.User != nil:
		return errors.New("there are credentials in the address; write them into a file of headers, and its path into traces.headers")
	case u.RawQuery != "" || u.Fragment != "":
		return errors.New("there is more in the value than scheme, host, port and path")
	}
	return nil
}

// Bounds of a file of headers.
const (
	maxHeaderFile = 16 << 10
	maxHeaders    = 16
)

// ReadHeaders reads the headers for the receiver; none if no file is set. Its errors repeat
// nothing of the file.
func (t Traces) ReadHeaders() (map[string]string, error) {
	headers := map[string]string{}
	if t.Headers == "" {
		return headers, nil
	}
	info, err := os.Stat(t.Headers)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxHeaderFile {
		return nil, fmt.Errorf("the file has more than %d bytes", maxHeaderFile)
	}
	text, err := os.ReadFile(t.Headers)
	if err != nil {
		return nil, err
	}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, found := strings.Cut(line, ":")
		if !found || !isHeader(name) || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return nil, fmt.Errorf("line %d is not NAME: VALUE", number)
		}
		headers[name] = strings.TrimSpace(value)
	}
	if len(headers) > maxHeaders {
		return nil, fmt.Errorf("there are more than %d headers", maxHeaders)
	}
	return headers, nil
}

// isHeader reports whether a text is a name of a header: letters, digits and dashes.
func isHeader(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
	})
}

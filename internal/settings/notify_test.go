package settings

import (
	"fmt"
	"strings"
	"testing"
)

func TestNetworksOfReceivers(t *testing.T) {
	for text, want := range map[string]string{
		"10.20.0.0/16": "10.20.0.0/16", "10.20.3.4/16": "10.20.0.0/16", "192.168.1.7": "192.168.1.7/32", "::ffff:192.168.1.7": "192.168.1.7/32",
		"fd00::/8": "fd00::/8", "fe80::1%eth0": "fe80::1/128",
	} {
		if got := fmt.Sprint(Notify{Networks: []string{text}}.Prefixes()); got != "["+want+"]" {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"", "localhost", "10.20.0.0/33", "::ffff:10.0.0.0/104", "10.20"} {
		p := &problems{config: &Config{}}
		Notify{Networks: []string{"10.0.0.1", text}}.check(p)
		if len(p.found) != 1 || !strings.Contains(p.found[0].Message, "entry 2 is no address or network") {
			t.Errorf("%q: %v", text, p.found)
		}
	}
}

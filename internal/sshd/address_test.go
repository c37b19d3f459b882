package sshd

import (
	"net"
	"strings"
	"testing"
)

func TestAddress(t *testing.T) {
	local := &net.TCPAddr{IP: net.ParseIP("127.0.0.1"), Port: 2222}
	for _, test := range []struct{ advertised, user, command, url string }{
		{"", "git", "ssh -p 2222 git@127.0.0.1 ", "ssh://git@127.0.0.1:2222/"},
		{"", "a;b", "ssh -p 2222 git@127.0.0.1 ", "ssh://git@127.0.0.1:2222/"},
		{"", "-oProxyCommand=x", "ssh -p 2222 git@127.0.0.1 ", "ssh://git@127.0.0.1:2222/"},
		{"git.example.org", "ana", "ssh ana@git.example.org ", "ssh://ana@git.example.org/"},
		{"git.example.org:2022", "ana", "ssh -p 2022 ana@git.example.org ", "ssh://ana@git.example.org:2022/"},
		{"git@git.example.org:22", "ana", "ssh git@git.example.org ", "ssh://git@git.example.org/"},
		{"git@[2001:db8::1]:2222", "ana", "ssh -p 2222 git@2001:db8::1 ", "ssh://git@[2001:db8::1]:2222/"},
		{"2001:db8::1", "ana", "ssh ana@2001:db8::1 ", "ssh://ana@[2001:db8::1]/"},
	} {
		a := Address{}
		if test.advertised != "" {
			var err error
			if a, err = ParseAddress(test.advertised); err != nil {
				t.Errorf("%s: %v", test.advertised, err)
				continue
			}
		}
		a = a.or(test.user, local)
		if got, want := a.Fill("ssh -t HOST top"), "ssh -t "+strings.TrimPrefix(test.command, "ssh ")+"top"; got != want {
			t.Errorf("%s as %s: got %s, want %s", test.advertised, test.user, got, want)
		}
		if got := a.Fill("ssh HOST ssh://HOST/x"); got != test.command+test.url+"x" {
			t.Errorf("%s as %s: got %s", test.advertised, test.user, got)
		}
	}
	for _, text := range []string{"a b", "-x", "git@", "@host", "host:0", "host:99999", "host:x", "$(id)", "a@b@c", "host:1:2", "git;x@host", "ho\nst"} {
		if a, err := ParseAddress(text); err == nil {
			t.Errorf("%q is read as %+v", text, a)
		}
	}
	if got := (Address{}).Fill("ssh HOST status"); got != "ssh HOST status" {
		t.Errorf("without an address: %s", got)
	}
}

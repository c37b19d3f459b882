package git

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

const (
	someArmour  = "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n"
	someCommand = zero40 + " " + one40 + " refs/heads/main"
)

// someCertificate is a certificate as Git's clients write it, with lines between its head and
// its signature.
func someCertificate(options, commands []string) string {
	text := "certificate version 0.1\npusher SHA256:x 1795918791 +0000\npushee ssh://git@example.org/shop\nnonce NONCE\n"
	for _, option := range options {
		text += "push-option " + option + "\n"
	}
	return text + "\n" + strings.Join(commands, "\n") + "\n" + someArmour
}

// said is a certificate in lines of the protocol.
func said(certificate string) string {
	text := line("push-cert\x00 report-status atomic")
	for _, one := range strings.SplitAfter(certificate, "\n") {
		if one != "" {
			text += line(one)
		}
	}
	return text + line("push-cert-end\n")
}

func TestParseCertificate(t *testing.T) {
	tag := one40 + " " + zero40 + " refs/tags/a b"
	good := someCertificate([]string{"plan", "override=the shop burns"}, []string{someCommand, tag})
	c, err := parseCertificate([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if c.Nonce != "NONCE" || !slices.Equal(c.Options, []string{"plan", "override=the shop burns"}) || !slices.Equal(c.Commands, []string{someCommand, tag}) {
		t.Errorf("%+v", c)
	}
	if string(c.Signature) != someArmour || string(c.Payload)+string(c.Signature) != good {
		t.Errorf("%q is signed by %q", c.Payload, c.Signature)
	}
	one := someCertificate(nil, []string{someCommand})
	if _, err := parseCertificate([]byte(strings.Replace(one, "pushee ssh://git@example.org/shop\n", "", 1))); err != nil {
		t.Errorf("without a pushee: %v", err)
	}
	for name, text := range map[string]string{
		"nothing":               "",
		"no signature":          strings.TrimSuffix(one, someArmour),
		"only a signature":      someArmour,
		"another version":       strings.Replace(one, "0.1", "0.2", 1),
		"no pusher":             strings.Replace(one, "pusher", "author", 1),
		"no nonce":              strings.Replace(one, "nonce NONCE\n", "", 1),
		"two nonces":            strings.Replace(one, "nonce NONCE\n", "nonce NONCE\nnonce OTHER\n", 1),
		"an unknown field":      strings.Replace(one, "nonce NONCE\n", "nonce NONCE\nexpires never\n", 1),
		"no commands":           strings.Replace(one, someCommand+"\n", "", 1),
		"an empty command":      strings.Replace(one, someCommand+"\n", someCommand+"\n\n", 1),
		"a command of two":      strings.Replace(one, " refs/heads/main", "", 1),
		"no hash":               strings.Replace(one, zero40, "HEAD", 1),
		"a short hash":          strings.Replace(one, one40, "1111111", 1),
		"something else's name": strings.Replace(one, "refs/heads/main", "HEAD", 1),
		"a long ref":            strings.Replace(one, "main", strings.Repeat("m", maxCommand), 1),
		"a NUL":                 strings.Replace(one, "main", "ma\x00in", 1),
		"a carriage return":     strings.Replace(one, "main", "main\r", 1),
		"shallow":               strings.Replace(one, someCommand, "shallow "+one40+" refs/x", 1),
	} {
		if c, err := parseCertificate([]byte(text)); err == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// TestTalkTakesCertificates: Git reads the commands that were signed, and no certificate.
func TestTalkTakesCertificates(t *testing.T) {
	second := one40 + " " + zero40 + " refs/heads/old"
	certificate := said(someCertificate([]string{"plan"}, []string{someCommand, second}))
	plain := line(someCommand+"\x00 report-status atomic") + line(second)
	rest := "0000" + line("plan") + "0000PACK"
	big := line("push-cert\x00 x") + strings.Repeat(line(strings.Repeat("x", 60_000)), maxCertificate/60_000+1)
	for name, test := range map[string]struct {
		said, heard string
		trouble     string // a part of it; "" for none
		none        bool   // no nonce is offered
	}{
		"a signed push":      {said: certificate + rest, heard: plain + rest},
		"of a shallow clone": {said: line("shallow "+one40) + certificate + rest, heard: plain + rest},
		"with a command":     {said: certificate + line(second) + rest, heard: plain + line(second) + rest},
		"after a command":    {said: line(someCommand+"\x00 atomic") + certificate, heard: line(someCommand + "\x00 atomic"), trouble: "cannot be read"},
		"two certificates":   {said: certificate + certificate, heard: plain, trouble: "cannot be read"},
		"without an offer":   {said: certificate + rest, trouble: "cannot be read", none: true},
		"cut by a flush":     {said: strings.Replace(certificate, line("push-cert-end\n"), "0000", 1) + rest, trouble: "cannot be read"},
		"cut by the pack":    {said: strings.Replace(certificate, line("push-cert-end\n"), "", 1) + "PACK", trouble: "cannot be read"},
		"malformed":          {said: strings.Replace(certificate, "nonce", "nonse", 1) + rest, trouble: "cannot be read"},
		"long capabilities":  {said: line("push-cert\x00"+strings.Repeat("x", maxLine/2+1)) + rest, trouble: "cannot be read"},
		"too large":          {said: big + rest, trouble: "more than 1 MiB"},
	} {
		for _, reader := range []io.Reader{strings.NewReader(test.said), iotest.OneByteReader(strings.NewReader(test.said))} {
			talk := &Talk{Nonce: "NONCE"}
			if test.none {
				talk.Nonce = ""
			}
			heard, err := io.ReadAll(talk.listen(reader, func(int) {}))
			if err != nil || string(heard) != test.heard {
				t.Errorf("%s: git reads %q, %v", name, heard, err)
			}
			switch trouble := talk.Trouble(); {
			case test.trouble == "" && (trouble != nil || talk.Certificate() == nil || !talk.Atomic() || !talk.Asks()):
				t.Errorf("%s: %v, %+v", name, trouble, talk.Certificate())
			case test.trouble != "" && (trouble == nil || !strings.Contains(trouble.Error(), test.trouble)):
				t.Errorf("%s: %v", name, trouble)
			}
		}
	}
}

func TestNonceIsOffered(t *testing.T) {
	first, offered := line(one40+" refs/heads/main\x00report-status agent=git\n"), line(one40+" refs/heads/main\x00report-status agent=git push-cert=NONCE\n")
	rest := line(one40+" refs/heads/next\n") + "0000" + strings.Repeat("0028unpack ok\x00", 10)
	full := line(one40 + " x\x00" + strings.Repeat("y", maxLine-60) + "\n")
	for name, test := range map[string]struct{ said, heard string }{
		"version 0":        {first + rest, offered + rest},
		"version 1":        {line("version 1\n") + first + rest, line("version 1\n") + offered + rest},
		"no line break":    {line(zero40 + " capabilities^{}\x00atomic"), line(zero40 + " capabilities^{}\x00atomic push-cert=NONCE\n")},
		"an error":         {line("ERR no such repository") + rest, line("ERR no such repository") + rest},
		"nothing":          {"0000", "0000"},
		"no line":          {"fatal: what\n", "fatal: what\n"},
		"no room":          {full, full},
		"cut, and no more": {first[:20], ""},
	} {
		for _, step := range []int{1, 7, 1 << 20} {
			var heard bytes.Buffer
			w := (&Talk{Nonce: "NONCE"}).offer(&heard)
			for chunk := range slices.Chunk([]byte(test.said), step) {
				if n, err := w.Write(chunk); n != len(chunk) || err != nil {
					t.Fatal(n, err)
				}
			}
			if heard.String() != test.heard {
				t.Errorf("%s, in steps of %d: %.200q, want %.200q", name, step, heard.String(), test.heard)
			}
		}
	}
	var plain bytes.Buffer
	if w := (&Talk{}).offer(&plain); w != io.Writer(&plain) {
		t.Error("a nonce is offered that is none")
	}
}

// FuzzCertificate: what Git reads are the commands of the certificate and nothing else.
func FuzzCertificate(f *testing.F) {
	f.Add(someCertificate([]string{"plan"}, []string{someCommand}))
	f.Add(someArmour)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCertificate([]byte(text))
		if err != nil {
			return
		}
		if string(c.Payload)+string(c.Signature) != text || len(c.Commands) == 0 {
			t.Fatalf("%+v of %q", c, text)
		}
		want := ""
		for i, command := range c.Commands {
			if i == 0 {
				command += "\x00caps"
			}
			want += fmt.Sprintf("%04x%s", len(command)+4, command)
		}
		if got := string(c.plain("caps")); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

package relay

import (
	"bytes"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"testing"
)

var (
	testClient = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7).To4(), Port: 40000}
	testLocal  = &net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 22}
)

// pipe is one end of a connection, made of two byte streams.
type pipe struct {
	io.Reader
	io.Writer
}

// answer returns a server's answer to a challenge.
func answer(t testing.TB, challenge []byte) string {
	t.Helper()
	var said bytes.Buffer
	if err := knock(pipe{bytes.NewReader(challenge), &said}, testKey, testClient, testLocal); err != nil {
		t.Fatal(err)
	}
	return said.String()
}

func TestAnswersToAChallenge(t *testing.T) {
	challenge := bytes.Repeat([]byte{1}, challengeBytes)
	good := strings.TrimSuffix(answer(t, challenge), "\n")
	client, local, err := parseAnswer(good, testKey, challenge)
	if err != nil || client.String() != testClient.String() || local.String() != testLocal.String() {
		t.Errorf("%v, %v, %v", client, local, err)
	}
	signed := func(addresses string) string {
		return protocol + " " + addresses + " " + hex.EncodeToString(mac(testKey, challenge, addresses))
	}
	for name, line := range map[string]string{
		"nothing":           "",
		"a client":          "SSH-2.0-OpenSSH_9.9",
		"another protocol":  strings.Replace(good, protocol, "relay", 1),
		"another client":    strings.Replace(good, "192.0.2.7", "192.0.2.8", 1),
		"another port":      strings.Replace(good, ":22 ", ":23 ", 1),
		"a short proof":     good[:len(good)-2],
		"no proof":          good[:strings.LastIndex(good, " ")+1],
		"no hex":            good[:len(good)-1] + "g",
		"a word more":       good + " x",
		"a name":            signed("example.org:22 127.0.0.1:22"),
		"a name to come to": signed("127.0.0.1:22 example.org:22"),
		"no port":           signed("127.0.0.1 127.0.0.1:22"),
	} {
		if client, _, err := parseAnswer(line, testKey, challenge); err == nil {
			t.Errorf("%s: taken as %v", name, client)
		}
	}
	if _, _, err := parseAnswer(good, testKey, bytes.Repeat([]byte{2}, challengeBytes)); err == nil {
		t.Error("an answer to another challenge was taken")
	}
}

func TestLinesAreReadAlone(t *testing.T) {
	rest := strings.NewReader("a line\nSSH-2.0-x")
	line, err := readLine(rest)
	if left, _ := io.ReadAll(rest); line != "a line" || err != nil || string(left) != "SSH-2.0-x" {
		t.Errorf("%q, %v, then %q", line, err, left)
	}
	for _, text := range []string{"", "no end", strings.Repeat("x", maxAnswer) + "\n"} {
		if line, err := readLine(strings.NewReader(text)); err == nil {
			t.Errorf("%.20q: %q", text, line)
		}
	}
	if line, err := readLine(strings.NewReader(strings.Repeat("x", maxAnswer-1) + "\n")); len(line) != maxAnswer-1 || err != nil {
		t.Errorf("a line of the maximum length: %d bytes, %v", len(line), err)
	}
}

func FuzzAnswer(f *testing.F) {
	challenge := bytes.Repeat([]byte{1}, challengeBytes)
	good := answer(f, challenge)
	f.Add(good)
	f.Add("SSH-2.0-OpenSSH_9.9\r\n")
	f.Add("pushboat-relay 127.0.0.1:1 [::1]:2 00\n")
	f.Fuzz(func(t *testing.T, text string) {
		client, _, err := ask(pipe{strings.NewReader(text), io.Discard}, testKey)
		if err == nil { // it is the answer to another challenge
			t.Errorf("%q was accepted as the connection of %v", text, client)
		}
		line, _, _ := strings.Cut(text, "\n")
		if _, _, err := parseAnswer(line, testKey, challenge); err == nil && !strings.EqualFold(line+"\n", good) {
			t.Errorf("%q counts as a proof", line)
		}
	})
}

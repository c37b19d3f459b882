package notify

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"net"
	"net/mail"
	"net/netip"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/notify/reach"
)

// post is a mail server that takes one letter, and answers what the test says.
type post struct {
	address string
	said    chan string // what the client said, as a whole
}

// newPost begins a mail server. answers are by the first word that a client says; others are
// taken.
func newPost(t *testing.T, answers map[string]string) *post {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	p := &post{address: listener.Addr().String(), said: make(chan string, 1)}
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		p.said <- converse(conn, answers)
	}()
	return p
}

func converse(conn net.Conn, answers map[string]string) (said string) {
	fmt.Fprint(conn, "220 mail.example.org\r\n")
	in, letter := bufio.NewReader(conn), false
	for {
		line, err := in.ReadString('\n')
		said += line
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case err != nil:
			return said
		case letter && line != ".\r\n":
			continue
		case answers[word] != "":
			fmt.Fprint(conn, answers[word]+"\r\n")
		case word == "DATA":
			letter = true
			fmt.Fprint(conn, "354 go on\r\n")
		case word == "QUIT":
			fmt.Fprint(conn, "221 bye\r\n")
			return said
		default:
			letter = false
			fmt.Fprint(conn, "250 well\r\n")
		}
	}
}

// mailTo is a target of a mail server.
func mailTo(t *testing.T, address, more string) *target {
	t.Helper()
	to, err := parseTarget(rules.Mail, []byte("address: smtp://"+address+"?from=boat@x.org&to=ana@x.org,ben@x.org"+more))
	if err != nil {
		t.Fatal(err)
	}
	return to
}

var ownMachine = reach.Reach{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}

func TestMail(t *testing.T) {
	p := newPost(t, nil)
	to := mailTo(t, p.address, "&plain=yes")
	letter := letterOf(newMessage("ops", []News{sample(rules.DeployFailed)}, noon), words{"shop: é", "more\nof it"}, to, "0123")
	if err := sendMail(t.Context(), ownMachine, to, letter); err != nil {
		t.Fatal(err)
	}
	said := <-p.said
	for _, want := range []string{"MAIL FROM:<boat@x.org>", "RCPT TO:<ana@x.org>", "RCPT TO:<ben@x.org>"} {
		if !strings.Contains(said, want) {
			t.Errorf("nobody said %q:\n%s", want, said)
		}
	}
	if strings.Contains(said, "AUTH") {
		t.Error("without a user, nobody logs in")
	}
}

func TestMailThatIsNotTaken(t *testing.T) {
	for name, test := range map[string]struct {
		answers    map[string]string
		more, want string
	}{
		"no encryption":     {nil, "", "the mail server offers no encryption; use smtps://, or allow that with plain=yes in the address"},
		"a recipient":       {map[string]string{"RCPT": "550 no " + canary}, "&plain=yes", "the receiver answered 550"},
		"later":             {map[string]string{"MAIL": "451 " + canary}, "&plain=yes", "the receiver answered 451"},
		"the letter":        {map[string]string{".": "552 " + canary}, "&plain=yes", "the receiver answered 552"},
		"no mail server":    {map[string]string{"EHLO": "HTTP/1.1 400 " + canary, "HELO": "HTTP/1.1 400 " + canary}, "&plain=yes", "the receiver could not be reached"},
		"TLS that is none":  {map[string]string{"EHLO": "250-mail\r\n250 STARTTLS", "STARTTLS": "454 " + canary}, "", "the receiver answered 454"},
		"it hangs up":       {map[string]string{"MAIL": "421 " + canary}, "&plain=yes", "the receiver answered 421"},
		"an empty greeting": {map[string]string{"EHLO": "250 x", "DATA": "554 " + canary}, "&plain=yes", "the receiver answered 554"},
	} {
		p := newPost(t, test.answers)
		err := sendMail(t.Context(), ownMachine, mailTo(t, p.address, test.more), []byte("letter"))
		if got := reach.Explain(err); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
	p := newPost(t, nil)
	if err := sendMail(t.Context(), reach.Reach{}, mailTo(t, p.address, "&plain=yes"), nil); !strings.Contains(reach.Explain(err), "no public address") {
		t.Errorf("an address that is not public: %v", err)
	}
}

// A letter that comes twice has the same id, and an end is in the thread of what it ends.
func TestLetters(t *testing.T) {
	to := mailTo(t, "mail.example.org", "")
	read := func(m *Message, w words) *mail.Message {
		letter, err := mail.ReadMessage(strings.NewReader(string(letterOf(m, w, to, "0123"))))
		if err != nil {
			t.Fatal(err)
		}
		return letter
	}
	begin := sample(rules.AppFailing)
	end := begin
	end.Key, end.Ends, end.Ended = begin.Key+".ended", begin.Key, true
	first := read(newMessage("ops", []News{begin}, noon), words{"shop: é\r\nBcc: eve@x.org", strings.Repeat("long ", 100)})
	last := read(newMessage("ops", []News{end}, noon), words{"over", ""})
	if first.Header.Get("Bcc") != "" || first.Header.Get("Auto-Submitted") != "auto-generated" {
		t.Errorf("the header is %v", first.Header)
	}
	if subject, err := new(mime.WordDecoder).DecodeHeader(first.Header.Get("Subject")); err != nil || !strings.HasPrefix(subject, "shop: é") {
		t.Errorf("the subject is %q, %v", subject, err)
	}
	if id := first.Header.Get("Message-ID"); id == last.Header.Get("Message-ID") || last.Header.Get("In-Reply-To") != id || last.Header.Get("References") != id || first.Header.Get("In-Reply-To") != "" {
		t.Errorf("the first is %s, the last answers %s", id, last.Header.Get("In-Reply-To"))
	}
	if again := read(newMessage("ops", []News{begin}, noon.Add(1)), words{"x", ""}); again.Header.Get("Message-ID") != first.Header.Get("Message-ID") {
		t.Error("a letter that comes twice has another id")
	}
	body, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, first.Body))
	if err != nil || !strings.HasSuffix(string(body), "long \n") {
		t.Errorf("the body is %q, %v", body, err)
	}
}

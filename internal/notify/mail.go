package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/notify/reach"
)

// sendMail sends a message by SMTP. Passwords and messages go over TLS, unless the address says
// plain=yes.
func sendMail(ctx context.Context, by reach.Reach, t *target, letter []byte) error {
	at := net.JoinHostPort(t.address.Hostname(), t.port())
	conn, err := by.Dial(ctx, "tcp", at)
	if err != nil {
		return err
	}
	defer conn.Close()
	plain := conn
	stop := context.AfterFunc(ctx, func() { _ = plain.SetDeadline(time.Now()) })
	defer stop()
	secure := by.TLS()
	secure.ServerName = t.address.Hostname()
	if t.address.Scheme == "smtps" {
		conn = tls.Client(conn, secure)
	}
	client, err := smtp.NewClient(conn, t.address.Hostname())
	if err != nil {
		return mailError(ctx, err)
	}
	if err := greet(client, t, secure); err != nil {
		return mailError(ctx, err)
	}
	if err := hand(client, t, letter); err != nil {
		return mailError(ctx, err)
	}
	_ = client.Quit() // it has the message
	return nil
}

func greet(client *smtp.Client, t *target, secure *tls.Config) error {
	if t.address.Scheme == "smtp" {
		switch offered, _ := client.Extension("STARTTLS"); {
		case offered:
			if err := client.StartTLS(secure); err != nil {
				return err
			}
		case t.address.Query().Get("plain") != "yes":
			return reach.Setup("the mail server offers no encryption; use smtps://, or allow that with plain=yes in the address")
		}
	}
	if user := t.address.User; user != nil {
		password, _ := user.Password()
		return client.Auth(smtp.PlainAuth("", user.Username(), password, t.address.Hostname()))
	}
	return nil
}

func hand(client *smtp.Client, t *target, letter []byte) error {
	if err := client.Mail(t.from.Address); err != nil {
		return err
	}
	for _, to := range t.to {
		if err := client.Rcpt(to.Address); err != nil {
			return err
		}
	}
	body, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := body.Write(letter); err != nil {
		return err
	}
	return body.Close()
}

// mailError is an error of a mail server without what it says: that may quote the address.
func mailError(ctx context.Context, err error) error {
	if of, ok := errors.AsType[*textproto.Error](err); ok {
		return &reach.AnswerError{Status: of.Code}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// letterOf writes a message as mail. The first of a thing and the others are a thread, and a
// message that comes twice has the same id.
func letterOf(m *Message, w words, t *target, server string) []byte {
	list := make([]string, len(t.to))
	for i, to := range t.to {
		list[i] = to.String()
	}
	var b bytes.Buffer
	field := func(name, value string) {
		fmt.Fprintf(&b, "%s: %s\r\n", name, strings.NewReplacer("\r", " ", "\n", " ").Replace(value))
	}
	field("From", (&mail.Address{Name: orText(t.from.Name, "Pushboat"), Address: t.from.Address}).String())
	field("To", strings.Join(list, ", "))
	field("Subject", mime.QEncoding.Encode("utf-8", w.title))
	field("Date", m.Decided.UTC().Format(time.RFC1123Z))
	field("Message-ID", mailID(m.ID, server))
	if m.Thread != m.ID {
		field("In-Reply-To", mailID(m.Thread, server))
		field("References", mailID(m.Thread, server))
	}
	field("Auto-Submitted", "auto-generated")
	field("MIME-Version", "1.0")
	field("Content-Type", "text/plain; charset=utf-8")
	field("Content-Transfer-Encoding", "base64")
	b.WriteString("\r\n")
	const width = 76 // of a line, RFC 2045
	encoded := base64.StdEncoding.EncodeToString([]byte(w.title + "\n\n" + w.text + "\n"))
	for len(encoded) > 0 {
		n := min(width, len(encoded))
		b.WriteString(encoded[:n] + "\r\n")
		encoded = encoded[n:]
	}
	return b.Bytes()
}

// mailID is the id of a letter. Ids of messages have letters of any kind.
func mailID(id, server string) string {
	return "<" + base64.RawURLEncoding.EncodeToString([]byte(id)) + "@" + server + ".pushboat>"
}

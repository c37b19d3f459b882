package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/pushboat/pushboat/internal/notify/reach"
)

// The headers of a webhook, beside those of HTTP.
const (
	signatureHeader   = "Pushboat-Signature" // t=SECONDS,v1=HEX
	idempotencyHeader = "Idempotency-Key"
)

// cloudEvent is a message as CloudEvents 1.0 has it, in the structured form.
type cloudEvent struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Subject     string    `json:"subject,omitempty"`
	Time        time.Time `json:"time"`
	ContentType string    `json:"datacontenttype"`
	Data        eventData `json:"data"`
}

type eventData struct {
	Title    string `json:"title"`
	Text     string `json:"text"`
	Severity string `json:"severity"`
	Thread   string `json:"thread"` // the id of the first message about the thing
	Test     bool   `json:"test,omitempty"`
	News     []News `json:"news"`
	More     int    `json:"more,omitempty"`
}

// typePrefix begins the type of an event.
const typePrefix = "io.pushboat."

// eventOf is the event of a message. server is the server's id.
func eventOf(m *Message, w words, server string) cloudEvent {
	e := cloudEvent{
		SpecVersion: "1.0", ID: m.ID, Source: "urn:pushboat:" + server, Type: typePrefix + "digest", Time: m.Decided.UTC(), ContentType: "application/json",
		Data: eventData{Title: w.title, Text: w.text, Severity: m.Severity().String(), Thread: m.Thread, Test: m.Test, News: m.News, More: m.More},
	}
	if len(groupsOf(m.News)) == 1 {
		e.Type = typePrefix + string(m.News[0].Topic)
		if m.News[0].Ended {
			e.Type += ".ended"
		}
	}
	if len(m.News) == 1 {
		n := &m.News[0]
		for _, subject := range []string{n.Cluster, n.Repo, n.App} {
			e.Subject = orText(subject, e.Subject)
		}
	}
	return e
}

// sign is the signature of a body that is sent at a time.
func sign(secret string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	seconds := strconv.FormatInt(at.Unix(), 10)
	_, _ = mac.Write(append([]byte(seconds+"."), body...)) // never an error
	return fmt.Sprintf("t=%s,v1=%s", seconds, hex.EncodeToString(mac.Sum(nil)))
}

// postWebhook posts a message.
func postWebhook(ctx context.Context, by http.RoundTripper, t *target, event cloudEvent) error {
	body, err := json.Marshal(event)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.address.String(), bytes.NewReader(body))
	if err != nil {
		return reach.Setup("the address is no URL")
	}
	if user := t.address.User; user != nil {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	req.Header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	req.Header.Set("User-Agent", "Pushboat")
	req.Header.Set(idempotencyHeader, event.ID)
	req.Header.Set(signatureHeader, sign(t.secret, time.Now(), body))
	response, err := by.RoundTrip(req)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body) // of which nothing is needed
	if response.StatusCode >= http.StatusMultipleChoices {
		return &reach.AnswerError{Status: response.StatusCode, Wait: reach.WaitOf(response)}
	}
	return nil
}

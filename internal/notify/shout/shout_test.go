package shout

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access/rules"
)

// canary is a part of addresses that must not be repeated.
const canary = "hunter2"

// samples are addresses of all services, with nobody behind.
var samples = map[string]string{
	"bark":       "bark://:" + canary + "@host.invalid/",
	"discord":    "discord://" + canary + "@123456789012345678",
	"googlechat": "googlechat://chat.googleapis.com/v1/spaces/FOO/messages?key=bar&token=" + canary,
	"gotify":     "gotify://host.invalid/Aaa.bbb.ccc.ddd",
	"ifttt":      "ifttt://" + canary + "/?events=event1",
	"join":       "join://shoutrrr:" + canary + "@join/?devices=d1",
	"lark":       "lark://open.larksuite.com/" + canary,
	"matrix":     "matrix://:" + canary + "@host.invalid/?rooms=!room:host.invalid",
	"mattermost": "mattermost://user@host.invalid/" + canary + "/channel",
	"notifiarr":  "notifiarr://" + canary + "?channel=123456789012345678",
	"ntfy":       "ntfy://:" + canary + "@host.invalid/topic",
	"opsgenie":   "opsgenie://host.invalid/" + canary,
	"pagerduty":  "pagerduty://host.invalid/eb243592faa24ba2a5511afdf565c889",
	"pushbullet": "pushbullet://o.mypushbulletaccesstokenhunter2xx/device",
	"pushover":   "pushover://shoutrrr:" + canary + "@user/",
	"rocketchat": "rocketchat://user@host.invalid/" + canary + "/tokenB/channel",
	"signal":     "signal://host.invalid:8080/+1234567890/+0987654321",
	"slack":      "slack://hook:WNA3PBYV6-F20DUQND3RQ-Webc4MAvoacrpPakR8phF0zi@webhook",
	"teams":      "teams://11111111-4444-4444-8444-cccccccccccc@22222222-4444-4444-8444-cccccccccccc/33333333012222222222333333333344/44444444-4444-4444-8444-cccccccccccc/V2ESyij_gAljSoUQHvZoZYzlpAoAXExyOl26dlf1xHEx05?host=host.webhook.office.com",
	"telegram":   "telegram://000000000:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA@telegram?channels=channel-1",
	"wecom":      "wecom://" + canary,
	"zulip":      "zulip://bot-name%40zulipchat.com:" + canary + "@host.invalid?stream=foo&topic=bar",
}

// asked notes requests, and carries none.
type asked struct{ hosts []string }

func (a *asked) RoundTrip(q *http.Request) (*http.Response, error) {
	a.hosts = append(a.hosts, q.URL.Host)
	if q.Body != nil {
		_, _ = io.Copy(io.Discard, q.Body)
		_ = q.Body.Close()
	}
	return &http.Response{StatusCode: http.StatusTeapot, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: q}, nil
}

// Every service asks by the transport that it is given, which guards where it goes: one that
// had its own would not be among those that ask.
func TestServicesGoTheGuardedWay(t *testing.T) {
	if has, want := slices.Sorted(maps.Keys(services)), slices.Sorted(slices.Values(rules.Services)); !slices.Equal(has, want) {
		t.Errorf("there are clients of %q, the rules know %q", has, want)
	}
	transport, client := http.DefaultTransport, http.DefaultClient
	defer func() { http.DefaultTransport, http.DefaultClient = transport, client }()
	for kind := range services {
		way := &asked{}
		w := &witness{to: way}
		http.DefaultTransport, http.DefaultClient = w, &http.Client{Transport: w}
		err := send(Order{Kind: kind, Address: samples[kind], Title: "title", Text: "text"}, w)
		if len(way.hosts) == 0 || !w.asked {
			t.Errorf("%s asked nobody: %v", kind, err)
		}
		if report := w.report(err); report.Taken || report.Error == "" || strings.Contains(report.Error, canary) {
			t.Errorf("%s: %+v", kind, report)
		}
	}
}

// ask has a message sent, as the program does.
func ask(t *testing.T, order Order) (report Report) {
	t.Helper()
	transport, client := http.DefaultTransport, http.DefaultClient
	defer func() { http.DefaultTransport, http.DefaultClient = transport, client }()
	text, err := json.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Serve(bytes.NewReader(text), &out); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), canary) {
		t.Errorf("the report has the address: %s", out.String())
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	return report
}

func TestServe(t *testing.T) {
	status, body := http.StatusOK, "{}"
	var said string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		text, _ := io.ReadAll(q.Body)
		said = q.Header.Get("Title") + ": " + string(text)
		w.Header().Set("Retry-After", "7")
		w.Header().Set("Location", "http://elsewhere.example.org/"+canary)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	defer server.Close()
	order := Order{
		Kind: "ntfy", Title: "shop: healthy again", Text: "text", Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Address: "ntfy://:" + canary + "@" + strings.TrimPrefix(server.URL, "http://") + "/topic?scheme=http",
	}
	if report := ask(t, order); !report.Taken || said != "shop: healthy again: text" {
		t.Errorf("report %+v, said %q", report, said)
	}
	status = http.StatusTooManyRequests
	if report := ask(t, order); report.Error != "the receiver answered 429" || report.Status != 429 || report.Wait.Seconds() != 7 || report.Setup {
		t.Errorf("too many: %+v", report)
	}
	status = http.StatusFound
	if report := ask(t, order); !strings.Contains(report.Error, "sent the message elsewhere") || !report.Setup {
		t.Errorf("a redirect: %+v", report)
	}
	status, order.Networks = http.StatusOK, nil
	if report := ask(t, order); !strings.Contains(report.Error, "no public address") || !report.Setup {
		t.Errorf("an address that is not public: %+v", report)
	}
	order.Address = "ntfy:// " + canary
	if report := ask(t, order); report.Error == "" || !report.Setup {
		t.Errorf("an address that is none: %+v", report)
	}
	order.Kind = "pigeon"
	if report := ask(t, order); report.Error == "" || !report.Setup {
		t.Errorf("an unknown service: %+v", report)
	}
	if err := Serve(strings.NewReader(canary), io.Discard); err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("an order that is none: %v", err)
	}
}

// Package shout sends a message to a chat, a push or an incident service, by the clients of
// shoutrrr. They take no context, follow redirects, and use the process's own HTTP client, so
// they run in a process of their own: there that client is ours, and whoever waits for one
// that hangs ends it.
package shout

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/discord"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/googlechat"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/lark"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/matrix"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/mattermost"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/rocketchat"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/signal"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/slack"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/teams"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/telegram"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/wecom"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/zulip"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/incident/opsgenie"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/incident/pagerduty"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/bark"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/gotify"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/ifttt"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/join"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/ntfy"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/pushbullet"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/pushover"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/specialized/notifiarr"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"github.com/pushboat/pushboat/internal/notify/reach"
	"github.com/pushboat/pushboat/internal/outgoing"
)

// Command is the word with which the program is started to send a message.
const Command = "notify-service"

// Order is a message to send.
type Order struct {
	Kind     string          `json:"kind"`
	Address  string          `json:"address"` // as shoutrrr has it
	Title    string          `json:"title"`
	Text     string          `json:"text"`
	Outgoing outgoing.Config `json:"outgoing"`
	Networks []netip.Prefix  `json:"networks"`
}

// Report is how it went.
type Report struct {
	Taken  bool          `json:"taken"`            // by the service
	Error  string        `json:"error,omitempty"`  // why it was not
	Status int           `json:"status,omitempty"` // of the answer, if there was one
	Wait   time.Duration `json:"wait,omitempty"`   // that the service asked for
	Setup  bool          `json:"setup,omitempty"`  // it stays so until somebody changes something
}

// services makes a client of each kind.
var services = map[string]func() types.Service{
	"bark": func() types.Service { return &bark.Service{} }, "discord": func() types.Service { return &discord.Service{} },
	"googlechat": func() types.Service { return &googlechat.Service{} }, "gotify": func() types.Service { return &gotify.Service{} },
	"ifttt": func() types.Service { return &ifttt.Service{} }, "join": func() types.Service { return &join.Service{} },
	"lark": func() types.Service { return &lark.Service{} }, "matrix": func() types.Service { return &matrix.Service{} },
	"mattermost": func() types.Service { return &mattermost.Service{} }, "notifiarr": func() types.Service { return &notifiarr.Service{} },
	"ntfy": func() types.Service { return &ntfy.Service{} }, "opsgenie": func() types.Service { return &opsgenie.Service{} },
	"pagerduty": func() types.Service { return &pagerduty.Service{} }, "pushbullet": func() types.Service { return &pushbullet.Service{} },
	"pushover": func() types.Service { return &pushover.Service{} }, "rocketchat": func() types.Service { return &rocketchat.Service{} },
	"signal": func() types.Service { return &signal.Service{} }, "slack": func() types.Service { return &slack.Service{} },
	"teams": func() types.Service { return &teams.Service{} }, "telegram": func() types.Service { return &telegram.Service{} },
	"wecom": func() types.Service { return &wecom.Service{} }, "zulip": func() types.Service { return &zulip.Service{} },
}

// maxOrder bounds an order, in bytes.
const maxOrder = 1 << 20

// Serve reads an order, carries it out, and writes a report. It changes the process's own
// HTTP client: nothing else may run in the process.
func Serve(in io.Reader, out io.Writer) error {
	var order Order
	if err := json.NewDecoder(io.LimitReader(in, maxOrder)).Decode(&order); err != nil {
		return errors.New("read the order: it is not as the server writes it")
	}
	return json.NewEncoder(out).Encode(do(order))
}

func do(order Order) Report {
	way, err := outgoing.Open(order.Outgoing)
	if err != nil {
		return Report{Error: "the settings of the section outgoing cannot be used", Setup: true}
	}
	w := &witness{to: reach.Reach{Way: way, Networks: order.Networks}.Transport()}
	http.DefaultTransport, http.DefaultClient = w, &http.Client{Transport: w, Timeout: reach.Within}
	err = send(order, w)
	return w.report(err)
}

// send hands a message to the service. Some panic where their server answers in another way
// than they know.
func send(order Order, w http.RoundTripper) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the client ended")
		}
	}()
	makes, known := services[order.Kind]
	address, err := url.Parse(order.Address)
	if err != nil || !known {
		return errors.New("the address is none")
	}
	service := makes()
	if err := service.Initialize(address, quiet{}); err != nil {
		return err
	}
	switch of := service.(type) { // those with transports of their own
	case *ntfy.Service:
		of.SetHTTPClient(&http.Client{Transport: w, Timeout: reach.Within})
	case *mattermost.Service:
		of.GetHTTPClient().Transport = w
	case *gotify.Service:
		of.GetHTTPClient().Transport = w
	}
	params := types.Params{}
	text := order.Text
	if titled[order.Kind] {
		params.SetTitle(order.Title)
	} else {
		text = order.Title + "\n" + text
	}
	return service.Send(text, &params)
}

// titled are the services that have a place for a title.
var titled = map[string]bool{
	"bark": true, "discord": true, "gotify": true, "join": true, "ntfy": true, "pushbullet": true, "pushover": true, "slack": true, "teams": true,
}

// quiet is the log of the clients, who write addresses to it.
type quiet struct{}

func (quiet) Print(...any)          {}
func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// witness notes what became of the requests: what a client says of them may quote the
// address.
type witness struct {
	to http.RoundTripper

	mu     sync.Mutex
	asked  bool
	err    error
	status int
	wait   time.Duration
}

// RoundTrip implements http.RoundTripper.
func (w *witness) RoundTrip(req *http.Request) (*http.Response, error) {
	response, err := w.to.RoundTrip(req)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked, w.err = true, err
	if err == nil {
		w.status, w.wait = response.StatusCode, reach.WaitOf(response)
	}
	return response, err
}

func (w *witness) report(err error) Report {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, redirected := errors.AsType[*reach.RedirectError](w.err)
	_, private := errors.AsType[*reach.PrivateError](w.err)
	switch {
	case w.err != nil:
		return Report{Error: reach.Explain(w.err), Setup: redirected || private}
	case w.status >= http.StatusBadRequest:
		return Report{Error: (&reach.AnswerError{Status: w.status}).Error(), Status: w.status, Wait: w.wait}
	case err == nil && w.asked:
		return Report{Taken: true, Status: w.status}
	case w.asked:
		return Report{Error: "the service answered " + strconv.Itoa(w.status) + ", and that it did not take the message", Status: w.status}
	case err == nil:
		return Report{Error: "the service's client asked nothing of it", Setup: true}
	}
	return Report{Error: "the address is not as the service has it; see docs/notifications.md", Setup: true}
}

package web

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"html/template"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
)

// visit is one request, by somebody who is known.
type visit struct {
	door    *Door
	w       http.ResponseWriter
	r       *http.Request
	session *session      // nil: they are not logged in
	bearer  *bearer       // nil: they do not come to the API, with a token
	api     *operation    // of a route of the API
	caller  access.Caller // the zero Caller may do nothing
	now     time.Time

	right  access.Right  // that the route takes
	app    deploy.Status // of a route about an app, or one of its deploys
	number int           // of a route about a deploy
	repo   name.Repo     // of a route about a repository

	asked asked

	holder *atomic.Pointer[access.Caller] // of a stream, see held
}

// visit finds out whose request it is.
func (d *Door) visit(w http.ResponseWriter, r *http.Request) *visit {
	v := &visit{door: d, w: w, r: r, now: d.clock()}
	v.session, v.caller = d.of(r)
	if v.session == nil && d.Everybody != "" {
		v.caller = access.Caller{
			Operator: stranger, Role: access.RoleRead, Repos: d.Everybody, Remote: d.addressOf(r).String(), Door: access.Web,
		}
	}
	return v
}

// stranger is the name of those who are not logged in, where they may look. No operator can
// have it.
const stranger = "(everybody)"

// everybody reports whether the visitor is somebody who is not logged in. What others wrote
// into objects, logs and messages is not for them.
func (v *visit) everybody() bool { return v.session == nil && v.bearer == nil }

// errLogIn is the answer to somebody who is not logged in.
var errLogIn = errors.New("you are not logged in")

// checkForm refuses a form that no page of the visitor's session has sent.
func (v *visit) checkForm() error {
	given := v.r.PostFormValue("csrf")
	if v.session == nil || subtle.ConstantTimeCompare([]byte(given), []byte(v.session.csrf)) != 1 {
		return errForm
	}
	return nil
}

// frame is what the layout of a page shows.
type frame struct {
	Title    string
	Section  string // of the navigation
	Operator string // "": nobody is logged in
	Server   bool   // whether the page of the server is offered
	Audit    bool   // whether the page of the audit trail is
	CSRF     string
	Live     string // the stream of events by which the page is renewed; "": none
	Self     string // the page's own address, to renew it
	Now      time.Time
	News     *news
	Body     any
	Main     template.HTML // the page itself, where it is drawn already; "": it is drawn of Body
}

// show writes a page.
func (v *visit) show(page string, f frame) error { return v.showAs(http.StatusOK, page, f) }

func (v *visit) showAs(status int, page string, f frame) error {
	f.Now, f.Self = v.now, v.r.URL.RequestURI()
	if v.session != nil {
		f.Operator, f.CSRF = v.session.operator, v.session.csrf
		f.Server, f.Audit = v.allowsOnServer(access.ReadServer), v.allowsOnServer(access.ReadAudit)
	}
	var text bytes.Buffer
	if err := v.door.pages[page].ExecuteTemplate(&text, "layout", f); err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(text.Bytes()) // a visitor who has gone misses it
	return nil
}

// main draws a page without what is around it, and with nothing that is the visitor's alone:
// others may get the same.
func (v *visit) main(page string, body any) (template.HTML, error) {
	var text bytes.Buffer
	err := v.door.pages[page].ExecuteTemplate(&text, "main", frame{Now: v.now, Self: v.r.URL.RequestURI(), Body: body})
	return template.HTML(text.String()), err // a template has drawn it
}

// trouble is a page that says what is wrong.
type trouble struct {
	What, Hint string
	LogIn      bool
	Back       bool // whether logging in leads back here
}

// fail answers with an error: in words, with the next thing to try.
func (v *visit) fail(err error) {
	status, t := http.StatusInternalServerError, trouble{What: "this page cannot be shown", Hint: "try again; if that does not help, the server's log says more"}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, errNotFound) && v.caller.Operator == stranger && v.remember(): // they may have been sent a link
		status, t = http.StatusNotFound, trouble{What: "there is no such page for those who are not logged in", LogIn: true, Back: true}
	case errors.Is(err, errNotFound):
		status, t = http.StatusNotFound, trouble{What: "there is no such page", Hint: "begin at the overview"}
	case errors.Is(err, errLogIn):
		status, t = http.StatusUnauthorized, trouble{What: "you are not logged in", LogIn: true, Back: v.remember()}
		if v.isCrossSite() && v.r.Method == http.MethodGet {
			v.w.Header().Set("Refresh", "0") // from another site comes no cookie; from this page it does
		}
	case errors.Is(err, errForm):
		status, t = http.StatusForbidden, trouble{What: err.Error(), Hint: "open the page again, and send the form from there"}
	case errors.Is(err, access.ErrDenied):
		status, t.What = http.StatusForbidden, err.Error()
		t.What, t.Hint = v.explain(err)
	case errors.Is(err, errManyStreams):
		v.w.Header().Set("Retry-After", "10")
		status, t = http.StatusServiceUnavailable, trouble{What: err.Error(), Hint: "close some of them"}
	case errors.As(err, &tooLarge):
		status, t = http.StatusRequestEntityTooLarge, trouble{What: "the form is too large", Hint: "send less"}
	case v.r.Context().Err() != nil:
		status, t.What = http.StatusServiceUnavailable, "the page took too long"
	default:
		v.door.Log.WithError(err).Errorf("web: %s %s", v.r.Method, v.r.Pattern)
	}
	if err := v.showAs(status, "trouble", frame{Title: t.What, Body: t}); err != nil {
		v.door.Log.WithError(err).Error("web: show what is wrong")
	}
}

// explain words an error, and the next thing to try, with the server's address as the
// visitor uses it.
func (v *visit) explain(err error) (message, hint string) {
	message, hint = report.Door{}.Explain(err)
	return v.fill(message), v.fill(hint)
}

// fill replaces HOST with the server's ssh address.
func (v *visit) fill(text string) string {
	if v.session == nil || v.session.fill == nil {
		return text
	}
	return v.session.fill(text)
}

// refuse answers a request before its route.
func (d *Door) refuse(w http.ResponseWriter, r *http.Request, status int, what, hint string) {
	if isAPI(r) {
		answerProblem(w, problem{Status: status, Detail: what, Hint: hint})
		return
	}
	v := &visit{door: d, w: w, r: r, now: d.clock()}
	if err := v.showAs(status, "trouble", frame{Title: what, Body: trouble{What: what, Hint: hint}}); err != nil {
		d.Log.WithError(err).Error("web: show what is wrong")
	}
}

package web

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/token"
	"github.com/pushboat/pushboat/internal/command"
	"github.com/pushboat/pushboat/internal/errand"
)

// problem is an answer that says what is wrong (RFC 9457). Its type is about:blank, so the
// title is that of the status.
type problem struct {
	Title  string   `json:"title"`
	Status int      `json:"status"`
	Detail string   `json:"detail"`
	Hint   string   `json:"hint,omitempty"`   // the next thing to try
	Output []string `json:"output,omitempty"` // of the verb, for people
}

func answerProblem(w http.ResponseWriter, p problem) {
	p.Title = http.StatusText(p.Status)
	answerJSON(w, p.Status, "application/problem+json", p)
}

func answerJSON(w http.ResponseWriter, status int, kind string, value any) {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil { // never: it is one of our own types
		text, status = nil, http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // a program that has gone misses it
}

// Unavailable answers a request while the server does not serve.
func Unavailable(w http.ResponseWriter, r *http.Request, why string) {
	w.Header().Set("Retry-After", "5")
	if isAPI(r) {
		answerProblem(w, problem{Status: http.StatusServiceUnavailable, Detail: why, Hint: "try again in a few seconds"})
		return
	}
	http.Error(w, why, http.StatusServiceUnavailable)
}

// serveAPI answers a request for a route of the API, if whoever comes may have that.
func (d *Door) serveAPI(row route, w http.ResponseWriter, r *http.Request) {
	v := &visit{door: d, w: w, r: r, now: d.clock(), api: row.api}
	err := v.comes(row.need)
	if err == nil {
		err = v.may(row.need)
	}
	if err == nil {
		err = row.serve(v)
	}
	if err != nil {
		v.answerError(err)
	}
}

// comes finds out who comes with a token, where one is needed.
func (v *visit) comes(n need) (err error) {
	if n.right != open {
		v.bearer, v.caller, err = v.door.bearerOf(v.r)
	}
	return err
}

// routeOthers answers what is no route of the API: nothing about it is said to whoever has no
// token.
func (d *Door) routeOthers(mux *http.ServeMux) {
	methods := map[string][]string{}
	for _, row := range apiRoutes() {
		methods[row.path] = append(methods[row.path], row.method)
		if row.method == http.MethodGet {
			methods[row.path] = append(methods[row.path], http.MethodHead)
		}
	}
	other := func(err error) http.HandlerFunc {
		row := route{api: &operation{}, need: need{right: loggedIn}, serve: func(*visit) error { return err }}
		return func(w http.ResponseWriter, r *http.Request) { d.serveAPI(row, w, r) }
	}
	for path, known := range methods {
		mux.HandleFunc(path, other(&methodError{strings.Join(known, ", ")}))
	}
	mux.HandleFunc("/api", other(errNotFound))
	mux.HandleFunc("/api/", other(errNotFound))
}

// methodError is of a method that a path does not have.
type methodError struct{ allowed string }

func (e *methodError) Error() string { return "this path takes " + e.allowed }

// requestError is of a request in the wrong form.
type requestError struct {
	status int
	text   string
}

func (e *requestError) Error() string { return e.text }

func badRequest(form string, args ...any) error {
	return &requestError{http.StatusBadRequest, fmt.Sprintf(form, args...)}
}

// verbError is of a verb that has failed.
type verbError struct {
	err    error
	output []string
}

func (e *verbError) Error() string { return e.err.Error() }
func (e *verbError) Unwrap() error { return e.err }

// answerError answers with what is wrong.
func (v *visit) answerError(err error) {
	p := problem{Detail: err.Error(), Hint: "see the document: " + v.door.Base + apiPath + "/openapi.json"}
	if failed := (*verbError)(nil); errors.As(err, &failed) {
		p.Output = failed.output
	}
	var method *methodError
	var request *requestError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, errNoToken), errors.Is(err, errBadToken):
		p.Status, p.Hint = http.StatusUnauthorized, "make one: ssh HOST token create; send it in the header Authorization: Bearer TOKEN"
		v.w.Header().Set("WWW-Authenticate", challenge(err))
	case errors.Is(err, errManyTries), errors.Is(err, errManyCalls):
		p.Status, p.Hint = http.StatusTooManyRequests, "try again in a few seconds"
		v.w.Header().Set("Retry-After", "5")
	case errors.Is(err, errBusy), v.r.Context().Err() != nil:
		p.Status, p.Hint = http.StatusServiceUnavailable, "try again in a few seconds"
		if !errors.Is(err, errBusy) {
			p.Detail = "the answer took too long"
		}
		v.w.Header().Set("Retry-After", "5")
	case errors.Is(err, errNotFound):
		p.Status, p.Detail = http.StatusNotFound, "there is no such path, or nothing of that name"
	case errors.As(err, &method):
		p.Status = http.StatusMethodNotAllowed
		v.w.Header().Set("Allow", method.allowed)
	case errors.As(err, &request):
		p.Status = request.status
	case errors.As(err, &tooLarge):
		p.Status, p.Detail, p.Hint = http.StatusRequestEntityTooLarge, "the body is too large", "send less"
	default:
		p.Status, p.Detail, p.Hint = v.failure(err)
	}
	answerProblem(v.w, p)
}

// challenge is the header WWW-Authenticate (RFC 6750).
func challenge(err error) string {
	if errors.Is(err, errNoToken) {
		return `Bearer realm="pushboat"`
	}
	return `Bearer realm="pushboat", error="invalid_token"`
}

// failure words the error of a verb, or of the decision before it.
func (v *visit) failure(err error) (status int, detail, hint string) {
	detail, hint = v.explain(err)
	hint = cmp.Or(hint, "try again; if that does not help, the server's log says more")
	var failed *verbError
	switch {
	case errors.Is(err, access.ErrDenied):
		return http.StatusForbidden, detail, hint
	case errors.Is(err, command.ErrNotFound):
		return http.StatusNotFound, detail, hint
	case errors.Is(err, command.ErrUsage):
		return http.StatusBadRequest, detail, hint
	case errors.As(err, &failed):
		return http.StatusConflict, detail, hint
	}
	v.door.Log.WithError(err).Errorf("web: %s %s", v.r.Method, v.r.Pattern)
	return http.StatusInternalServerError, "the server has a fault", "its log says more"
}

// maxAPIAnswer bounds what a verb prints for one answer, in bytes: 10,000 apps are a fifth.
const maxAPIAnswer = 32 << 20

// errLongList is for an answer of which there is only a part.
var errLongList = errors.New("the answer is too long")

// apiVerb is a session of a verb that the API runs, see command.Session and command.Hearer.
type apiVerb struct {
	*errand.Session
	failed error
}

// Failed notes why the verb failed.
func (s *apiVerb) Failed(err error) { s.failed = err }

func (v *visit) asAPIVerb(gone <-chan struct{}) *apiVerb {
	return &apiVerb{Session: &errand.Session{
		By: v.caller, With: v.bearer.key, FillWith: v.fill, End: gone, Most: maxAPIAnswer, Errors: &errand.Session{FillWith: v.fill},
	}}
}

// answerVerb runs the verb of a route, and answers with its JSON.
func answerVerb(v *visit) error {
	q, err := v.query()
	if err != nil {
		return err
	}
	end, err := v.door.calls.begin(v.bearer.token.ID)
	if err != nil {
		return err
	}
	defer end()
	as := v.asAPIVerb(make(chan struct{}))
	v.door.Run(v.r.Context(), as, v.words(q, "-o", "json"))
	return v.answer(as, q)
}

// answer answers with what a verb has printed: doctor, say, fails where something is wrong, and
// prints it nevertheless.
func (v *visit) answer(as *apiVerb, q values) error {
	text := as.Bytes()
	switch {
	case len(text) >= maxAPIAnswer:
		return errLongList
	case len(bytes.TrimSpace(text)) == 0 && as.failed != nil:
		return &verbError{err: as.failed}
	case len(bytes.TrimSpace(text)) == 0:
		return errors.New("the verb has printed nothing")
	}
	page, next, err := v.api.pages.page(text, q)
	if err != nil {
		return err
	}
	if next != "" {
		v.w.Header().Set("Link", "<"+v.nextPage(next)+`>; rel="next"`)
	}
	v.w.Header().Set("Content-Type", "application/json")
	_, _ = v.w.Write(page) // a program that has gone misses it
	return nil
}

// nextPage is the address of the next page of a list, with its cursor.
func (v *visit) nextPage(cursor string) string {
	next := v.r.URL.Query()
	next.Set(v.api.pages.by, cursor)
	return v.r.URL.EscapedPath() + "?" + next.Encode()
}

// words is the call of the verb: its flags, and then its words.
func (v *visit) words(q values, flags ...string) []string {
	words := append(append(strings.Fields(v.api.verb), flags...), v.api.flags...)
	var then []string
	for _, name := range []string{"app", "deploy", "cluster", "refusal"} {
		if word := v.r.PathValue(name); word != "" {
			then = append(then, word)
		}
	}
	if v.api.verb == "access explain" { // it has the operator first
		then = append(then, q.text("who"))
	}
	if v.repo != "" {
		then = append(then, string(v.repo))
	}
	for _, p := range v.api.params {
		word, given := q[p.name]
		switch {
		case !given || p.ours || p.name == "who":
		case p.flag != "":
			words = append(words, "--"+p.flag+"="+word)
		default:
			then = append(then, word)
		}
	}
	if len(then) == 0 {
		return words
	}
	return append(append(words, "--"), then...)
}

// showOpenAPI shows the document of the API. It is the same for everybody.
func showOpenAPI(v *visit) error {
	if _, err := v.query(); err != nil {
		return err
	}
	text, err := v.door.document()
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "application/json")
	v.w.Header().Set("Cache-Control", "max-age=300")
	http.ServeContent(v.w, v.r, "", time.Time{}, bytes.NewReader(text))
	return nil
}

// API is the address before the paths of the API.
func (d *Door) API() (string, error) { return d.Base + apiPath, d.Closed }

// looksLikeToken reports whether a text has a token in it.
func looksLikeToken(text string) bool { return strings.Contains(text, token.Prefix) }

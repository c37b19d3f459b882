package web

import (
	"cmp"
	"net/http"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/audit"
)

// loginPath is where links lead, before their token.
const loginPath = "/login/"

// offer is the page of a link.
type offer struct {
	Operator, Fingerprint string
	Token                 string
	Next                  string // the page to go on to; "": the overview
}

// showLogin shows the button of a link. It uses nothing up.
func showLogin(v *visit) error {
	token := v.r.PathValue("token")
	link, ok := v.door.links.peek(token)
	if !ok {
		return v.spent()
	}
	return v.show("login", frame{Title: "Log in", Body: offer{link.operator, link.fingerprint, token, v.next()}})
}

// spent is the answer to a link that opens nothing.
func (v *visit) spent() error {
	e := audit.Of(audit.Login, access.Caller{Remote: v.door.addressOf(v.r).String(), Door: access.Web})
	e.Decision, e.Reason = audit.Refused, "a link that is not good, or no more"
	v.door.Trail.NoteLimited(e.Address, e)
	return v.showAs(http.StatusGone, "trouble", frame{Title: "Log in", Body: trouble{
		What: "this link is used up, or older than a minute", LogIn: true,
	}})
}

// logIn begins a session for whoever has a link. Its token is always a new one.
func logIn(v *visit) error {
	link, ok := v.door.links.take(v.r.PostFormValue("token"))
	if !ok {
		return v.spent()
	}
	from := v.door.addressOf(v.r)
	if v.session != nil { // the browser goes on with the new one
		v.door.end(v.session, "")
	}
	probe := &session{key: link.key, operator: link.operator}
	op, err := v.door.identify(probe, from)
	caller := op.Caller(from)
	caller.Operator, caller.Fingerprint, caller.Door = link.operator, link.fingerprint, access.Web
	e := audit.Of(audit.Login, caller)
	e.Decision = audit.Allowed
	if err != nil {
		e.Decision, e.Reason = audit.Refused, err.Error()
		v.door.Trail.NoteLimited(link.operator, e)
		return v.showAs(http.StatusForbidden, "trouble", frame{Title: "Log in", Body: trouble{What: err.Error(), LogIn: true}})
	}
	if err := v.door.Trail.Write(e); err != nil {
		return err
	}
	token, s := v.door.sessions.begin(link, v.r, from)
	http.SetCookie(v.w, v.door.cookie(token))
	v.door.Log.WithField("operator", s.operator).Infof("web: session %s began from %s", s.id, from)
	next := v.next()
	if next != "" {
		http.SetCookie(v.w, v.door.nextCookie(""))
	}
	return v.goTo(cmp.Or(next, "/"))
}

// logOut ends the visitor's session.
func logOut(v *visit) error {
	v.door.end(v.session, "")
	v.session = nil
	http.SetCookie(v.w, v.door.cookie(""))
	return v.show("trouble", frame{Title: "Logged out", Body: trouble{What: "you are logged out", LogIn: true}})
}

// goTo sends the browser on, to a path of our own.
func (v *visit) goTo(path string) error {
	v.w.Header().Set("Location", path)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// showHelp shows the keys and what the words mean.
func showHelp(v *visit) error { return v.show("help", frame{Title: "Help", Section: "help"}) }

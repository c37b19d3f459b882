package bucket

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"regexp"
)

// Unreachable says that there was no answer.
type Unreachable struct {
	do, host string
	err      error
}

// Error implements error.
func (e *Unreachable) Error() string { return fmt.Sprintf("%s at %s: %v", e.do, e.host, e.err) }

// Unwrap returns the cause.
func (e *Unreachable) Unwrap() error { return e.err }

// Hint is the next thing to try.
func (e *Unreachable) Hint() string {
	return "look whether backup.endpoint is right, and can be reached from here (outgoing.proxy, outgoing.ca)"
}

// Refusal is an answer that refuses.
type Refusal struct {
	Status  int
	Code    string // the storage's word for the cause; "": it said none
	do      string
	region  string // of the bucket, if the storage said it; "": not
	host    string
	address Address
}

// codeForm is the form of the words for causes; whatever else stands there is not shown.
var codeForm = regexp.MustCompile(`^[A-Za-z0-9]{1,60}$`)

// readRefusal reads the cause from an answer; "" if it has none.
func readRefusal(text []byte) (code, region string) {
	var said struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Region  string
	}
	if xml.Unmarshal(text, &said) != nil {
		return "", ""
	}
	if !codeForm.MatchString(said.Code) {
		said.Code = "Error"
	}
	if !regionForm.MatchString(said.Region) {
		said.Region = ""
	}
	return said.Code, said.Region
}

// Error implements error.
func (e *Refusal) Error() string {
	return fmt.Sprintf("%s: %s", e.do, e.cause())
}

func (e *Refusal) cause() string {
	switch e.Code {
	case "InvalidAccessKeyId":
		return e.host + " does not know the key"
	case "SignatureDoesNotMatch":
		return e.host + " refuses the key's secret as wrong"
	case "ExpiredToken", "InvalidToken":
		return e.host + " says that the keys have expired"
	case "NoSuchBucket":
		return fmt.Sprintf("there is no bucket %s at %s", e.address.Bucket, e.host)
	case "RequestTimeTooSkewed":
		return "the clock of " + e.host + " and this machine's are more than 15 minutes apart"
	}
	if e.elsewhere() {
		return fmt.Sprintf("the bucket %s is in another region", e.address.Bucket)
	}
	answer := fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		answer = e.Code + ", " + answer
	}
	return fmt.Sprintf("%s answers %s", e.host, answer)
}

// elsewhere reports whether the bucket was asked for in a region that it is not in.
func (e *Refusal) elsewhere() bool {
	return e.Code == "PermanentRedirect" || e.Code == "AuthorizationHeaderMalformed" || e.Status == http.StatusMovedPermanently
}

// Hint is the next thing to try.
func (e *Refusal) Hint() string {
	switch e.Code {
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken":
		return "put KEY:SECRET as they are now into the file that backup.credentials names; it is read anew for each backup"
	case "NoSuchBucket":
		return "make the bucket, or name another one: backup.bucket"
	case "RequestTimeTooSkewed":
		return "set this machine's clock, by NTP best"
	}
	switch {
	case e.elsewhere() && e.region != "":
		return "set backup.region: " + e.region
	case e.elsewhere():
		return "set backup.region to the bucket's own"
	case e.Status == http.StatusForbidden:
		return "let the key do all that docs/backup.md names with " + e.address.String()
	}
	return "look at what the storage says of it"
}

// Package unions tests that an object which says one thing in one of several ways may
// say it in another. It reads the API server's own schemas, finds by trying which
// fields of every built-in kind exclude each other and which have a choice of values,
// and makes each such change through Git and by hand, against a real server and a real
// API server. After it an object must be as if it had been made anew: nothing that the
// API server once filled in may be in the way, or stay.
package unions

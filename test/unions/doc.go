// Package unions tests that an object that says one thing in one of several ways may
// say it in another. It reads the API server's own schemas, finds by trial which fields
// of every built-in kind exclude each other and which have a choice of values, and
// makes each such change through Git and by hand, against a real server and a real API
// server. Afterwards an object must be the same as a new one: no field that the API
// server once filled in may be in the way, or stay.
package unions

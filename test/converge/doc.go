// Package converge tests that whatever happens, the cluster comes to be as Git
// says: random pushes, hand edits, crashes and cuts are made against a real
// server and a real API server, and after each round of them everything must be
// in place, nothing left over, and nothing of anybody else touched.
package converge

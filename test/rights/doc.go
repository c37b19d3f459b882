// Package rights tests the whole matrix of rights over SSH, with one server: each verb and
// each operation on a ref, by callers of each role and with rules of each form, on their
// own repository, on another one, and on one that does not exist.
package rights

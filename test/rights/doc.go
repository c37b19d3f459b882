// Package rights tries the whole matrix of rights over SSH, against one server: each verb
// and each operation on a ref, by callers of each role and of rules of each form, on their
// own repository, on another one, and on one that does not exist.
package rights

// Package upgrade checks that people who push notice nothing of a rolling upgrade. Two
// servers share a data directory and a lease; each is stopped and started again, one
// after the other, while twenty loops of git push go on.
package upgrade

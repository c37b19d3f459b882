// Package upgrade holds what a rolling upgrade is to the people who push meanwhile:
// nothing. Two servers share a data directory and a lease; each is stopped and started
// again, one after the other, while twenty loops of git push go on.
package upgrade

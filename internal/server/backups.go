package server

import (
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/backup"
	"github.com/pushboat/pushboat/internal/backup/bucket"
	"github.com/pushboat/pushboat/internal/backup/offsite"
	"github.com/pushboat/pushboat/internal/outgoing"
	"github.com/pushboat/pushboat/internal/settings"
)

// buildBackups makes the source of backups, and the keeper of those in a bucket.
func (s *server) buildBackups() backup.Source {
	source := s.backupSource()
	s.backups = offsite.New(trailed{source, s.trail}, s.fence.Check, s.log)
	s.backups.Configure(s.offsite(s.config))
	return source
}

// backupSource is what backups are made of.
func (s *server) backupSource() backup.Source {
	return backup.Source{Data: s.config.Data, Repos: s.repos, Fence: s.fence.Check, Program: s.version}
}

// offsite is how this server keeps backups in a bucket; nil if it keeps none. The settings
// have been checked.
func (s *server) offsite(c settings.Config) *offsite.Config {
	of := c.Backup
	to, err := bucket.ParseAddress(of.Bucket)
	if err != nil {
		return nil // as where none is set
	}
	to = to.In(s.id)
	schedule, err := appfile.ParseSchedule(of.Schedule)
	if err != nil {
		return nil // never, see above
	}
	recipients, err := backup.ParseRecipients(of.Recipients)
	if err != nil {
		return nil // never, see above
	}
	return &offsite.Config{
		To: to, Open: func() (*bucket.Bucket, error) { return openBucket(of, to, s.way) },
		Schedule: schedule, Recipients: recipients,
		Increments: of.Increments, KeepLast: of.KeepLast, KeepFor: of.KeepFor(),
	}
}

// openBucket makes a bucket ready, with the keys as they are now.
func openBucket(of settings.Backup, at bucket.Address, way *outgoing.Way) (*bucket.Bucket, error) {
	keys, err := of.Keys()
	if err != nil {
		return nil, &outgoing.SettingError{Setting: "backup.credentials", Err: err}
	}
	return bucket.Open(bucket.Config{Address: at, Endpoint: of.Endpoint, Region: of.Region, Keys: keys, Way: way})
}

// OpenBucket is for a program beside the server, by settings that ReadSections has read.
func OpenBucket(c settings.Config, at bucket.Address) (*bucket.Bucket, error) {
	way, err := outgoing.Open(outgoingConfig(c))
	if err != nil {
		return nil, err
	}
	return openBucket(c.Backup, at, way)
}

// backup tries the settings for the bucket.
func (t *trial) backup() {
	at, err := bucket.ParseAddress(t.config.Backup.Bucket)
	if err != nil {
		return // none is set
	}
	setting := "backup.credentials"
	if t.config.Backup.Credentials == "" {
		setting = "backup.bucket" // for which the environment has none
	}
	_, err = openBucket(t.config.Backup, at, nil)
	t.add(setting, "", err)
}

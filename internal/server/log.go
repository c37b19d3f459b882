package server

import (
	"io"
	"os"

	"github.com/sirupsen/logrus"
	"k8s.io/klog/v2"

	"github.com/pushboat/pushboat/internal/settings"
)

func newLog(config settings.Log) *logrus.Entry {
	logger := logrus.New()
	logger.SetOutput(os.Stderr)
	setLog(logger, config)
	klog.LogToStderr(false) // client-go's own log; errors that matter reach us
	klog.SetOutput(io.Discard)
	return logrus.NewEntry(logger)
}

func setLog(logger *logrus.Logger, config settings.Log) {
	if level, err := logrus.ParseLevel(config.Level); err == nil { // it is one of four
		logger.SetLevel(level)
	}
	if config.Format == "json" {
		logger.SetFormatter(&logrus.JSONFormatter{})
	} else {
		logger.SetFormatter(&logrus.TextFormatter{})
	}
}

package main

import (
	"flag"
	"fmt"
	stdlog "log"
	"os"

	"k8s.io/klog/v2"
)

// openLog sends the logs of all components to the file at path; the previous
// run's is kept beside it as path.1.
func openLog(path string) (*os.File, error) {
	if err := os.Rename(path, path+".1"); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("keep the last log: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	for name, value := range map[string]string{"logtostderr": "false", "stderrthreshold": "FATAL", "one_output": "true"} {
		if err := flags.Set(name, value); err != nil {
			return nil, fmt.Errorf("set up klog: %w", err)
		}
	}
	klog.SetOutput(file)
	stdlog.SetOutput(file)
	return file, nil
}

package scale

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"customercare/infra/bench"
	"customercare/infra/local/lambda"
	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
)

// code is what the page takes from the product itself: constants of its source, and the
// settings of template.yaml.
type code struct {
	// shared/store
	batchSize, maxAttempts, transactionSize, openShards, fewRecords int

	// shared/erasure
	customerCalls, numberCalls, numberReads, windowSize, openAtOnce, dueAtOnce, numbersAtOnce int
	wrapUp, slice                                                                             time.Duration

	// shared/environment, shared/invocation, functions/cleanup
	attempts, sweepParts, removalsAtOnce int
	margin, sweepBudget                  time.Duration

	// functions/seal-ledger, functions/apply-retention, infra/bulk, its command
	batchAtMost, readAtOnce, marksAtOnce, listedAtMost int
	batchTime, retentionWrapUp, remembered             time.Duration
	holdsAtOnce, bulkCalls, bulkRate                   int

	// template.yaml
	scheduled                                              map[string]scheduled
	tokenRate, readRate, tokenLifetime, logDays, auditDays int
	retentionEvery                                         time.Duration
	methods                                                int // of the API, with metrics of their own

	workerConcurrency, batchCalls, parallel, allowSweepMinutes int
	provisionRate, deleteRate, cleanRate                       int
	memoryMB, readMB                                           int
	workerTimeout, writerLifetime, clockSkew, schedule         time.Duration
	cleanupTimeout, oldestAlarm                                time.Duration
	alarms                                                     int

	own bench.Own // what is counted of the product at rest
}

// scheduled is a function that a schedule starts.
type scheduled struct {
	every, timeout time.Duration
	memoryMB       int
}

// reading is the code as it is now.
func reading(t *testing.T) code {
	t.Helper()
	c, err := read(dynamotest.Root())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// read reads the code of the repository at root.
func read(root string) (c code, err error) {
	s := source{root, nil}
	var faults []error
	number := func(into *int, folder, name string) {
		v, err := s.value(folder, name)
		*into = int(v)
		faults = append(faults, err)
	}
	span := func(into *time.Duration, folder, name string) {
		v, err := s.value(folder, name)
		*into = time.Duration(v)
		faults = append(faults, err)
	}
	number(&c.batchSize, "shared/store", "batchSize")
	number(&c.maxAttempts, "shared/store", "maxAttempts")
	number(&c.transactionSize, "shared/store", "transactionSize")
	number(&c.openShards, "shared/store", "openShards")
	number(&c.fewRecords, "shared/store", "FewRecords")
	number(&c.customerCalls, "shared/erasure", "customerCalls")
	number(&c.numberCalls, "shared/erasure", "numberCalls")
	number(&c.numberReads, "shared/erasure", "numberReads")
	number(&c.windowSize, "shared/erasure", "windowSize")
	number(&c.openAtOnce, "shared/erasure", "openAtOnce")
	number(&c.dueAtOnce, "shared/erasure", "dueAtOnce")
	number(&c.numbersAtOnce, "shared/erasure", "numbersAtOnce")
	span(&c.wrapUp, "shared/erasure", "wrapUp")
	span(&c.slice, "shared/erasure", "sliceLength")
	number(&c.attempts, "shared/environment", "attempts")
	span(&c.margin, "shared/invocation", "margin")
	span(&c.sweepBudget, "functions/cleanup", "sweepBudget")
	number(&c.sweepParts, "functions/cleanup", "sweepParts")
	number(&c.removalsAtOnce, "functions/cleanup", "removalsAtOnce")
	number(&c.batchAtMost, "functions/seal-ledger", "batchAtMost")
	number(&c.readAtOnce, "functions/seal-ledger", "readAtOnce")
	number(&c.marksAtOnce, "functions/seal-ledger", "marksAtOnce")
	number(&c.listedAtMost, "functions/seal-ledger", "listedAtMost")
	span(&c.batchTime, "functions/seal-ledger", "batchTime")
	span(&c.retentionWrapUp, "functions/apply-retention", "wrapUp")
	span(&c.remembered, "shared/store", "remembered")
	number(&c.holdsAtOnce, "shared/erasure", "holdsAtOnce")
	number(&c.bulkCalls, "infra/bulk", "AtOnce")
	number(&c.bulkRate, "infra/cmd/customercare", "eraseRate")
	c.own, err = bench.ReadOwn(root)
	faults = append(faults, err)
	return c, errors.Join(append(faults, c.readTemplate(filepath.Join(root, "template.yaml")))...)
}

func (c *code) readTemplate(file string) error {
	t, err := template.Load(file, nil)
	if err != nil {
		return err
	}
	var faults []error
	number := func(into *int, name string) {
		v, err := strconv.Atoi(t.Parameters[name])
		*into = v
		faults = append(faults, err)
	}
	span := func(into *time.Duration, name, unit string) {
		v, err := time.ParseDuration(t.Parameters[name] + unit)
		*into = v
		faults = append(faults, err)
	}
	number(&c.workerConcurrency, "WorkerConcurrency")
	number(&c.batchCalls, "BatchCalls")
	number(&c.allowSweepMinutes, "AllowSweepMinutes")
	number(&c.provisionRate, "ProvisionRate")
	number(&c.deleteRate, "DeleteRate")
	number(&c.cleanRate, "CleanRate")
	number(&c.tokenRate, "TokenRate")
	number(&c.readRate, "ReadRate")
	number(&c.tokenLifetime, "TokenLifetime")
	number(&c.logDays, "LogRetentionDays")
	number(&c.auditDays, "AuditRetentionDays")
	span(&c.retentionEvery, "RetentionEvery", "")
	span(&c.workerTimeout, "WorkerTimeout", "s")
	span(&c.oldestAlarm, "OldestErasureAlarmSeconds", "s")
	span(&c.writerLifetime, "WriterLifetime", "")
	span(&c.clockSkew, "ClockSkew", "")
	cleanup, ok := t.Function("cleanup")
	at := slices.IndexFunc(t.Schedules, func(s template.Schedule) bool { return s.Function == cleanup.Name })
	if !ok || len(t.Streams) != 1 || at < 0 || t.Schedules[at].Every == 0 {
		faults = append(faults,
			fmt.Errorf("template.yaml has another stream, schedule or cleanup than this program knows"))
		return errors.Join(faults...)
	}
	c.cleanupTimeout, c.memoryMB = cleanup.Timeout, cleanup.MemoryMB
	c.parallel, c.schedule = t.Streams[0].Parallel, t.Schedules[at].Every
	if reads, ok := t.Function("read-erasures"); ok {
		c.readMB = reads.MemoryMB
	}
	c.scheduled = map[string]scheduled{}
	for _, s := range t.Schedules {
		at := slices.IndexFunc(t.Functions, func(f lambda.Function) bool { return f.Name == s.Function })
		if at < 0 {
			faults = append(faults, fmt.Errorf("no function %s", s.Function))
			continue
		}
		f := t.Functions[at]
		c.scheduled[f.Folder] = scheduled{s.Every, f.Timeout, f.MemoryMB}
	}
	text, err := os.ReadFile(file)
	faults = append(faults, err)
	c.methods = strings.Count(string(text), "MetricsEnabled: true") - 1 // the first is for all others
	resources, err := template.Resources(file, nil)
	for _, r := range resources {
		if r.Type == "AWS::CloudWatch::Alarm" {
			c.alarms++
		}
	}
	return errors.Join(append(faults, err)...)
}

// takes is how long a run of cleanup takes jobs up: until a slice and its end no longer
// fit into what it has.
func (c code) takes() time.Duration { return c.cleanupTimeout - c.margin - c.slice - c.wrapUp }

// open is how long an erasure stays open at least, from the request to its second pass.
func (c code) open() time.Duration { return c.writerLifetime + c.clockSkew }

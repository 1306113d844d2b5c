package bench_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"customercare/infra/bench"
	"customercare/infra/bulk"
)

// bulk is `customercare erase` with a file of customers, over HTTP on the whole local
// stack, beside the same deletions, of as many customers at once, without HTTP. Customers
// this small need no worker, so there is none.
func (p plan) bulk(ctx context.Context, b *Bench) (all []bench.Figure, err error) {
	binary, err := b.customercare(ctx)
	if err != nil {
		return nil, err
	}
	s, err := b.start(ctx, "bulk", true, eraseFloor)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := errors.Join(s.loadErasers(ctx), s.withoutStream(ctx, "Erasures")); err != nil {
		return nil, err
	}
	for _, size := range p.bulkSizes {
		b.Say("erasing a file of %d customers", size)
		var peak float64
		seconds, err := s.run(ctx, race{
			name: fmt.Sprint("bulk-", size), items: size, table: "Customers",
			fill: func(codes []string) error { return s.fillCustomers(ctx, clientTransactions, codes...) },
			ours: func(codes []string) (took time.Duration, err error) {
				took, peak, err = s.eraseFile(ctx, binary, codes)
				return took, err
			},
			floor: func(codes []string) (time.Duration, error) {
				return s.runFloor(ctx, len(codes)*(1+clientTransactions), s.floorCommand(bulk.AtOnce, codes...))
			},
		}, 1)
		if err != nil {
			return nil, err
		}
		f := seconds.rates(size).figure("bulk", fmt.Sprintf("%d customers", size), "customers/s")
		f.Also = []bench.Number{
			{Name: "in all", Value: seconds.ours[0], Unit: "s"}, {Name: "memory of the command", Value: peak, Unit: "MB"},
		}
		all = append(all, f)
	}
	return all, nil
}

// eraseFile lets the command erase a file that names the customers.
func (s *site) eraseFile(ctx context.Context, binary string, codes []string) (took time.Duration, peak float64, err error) {
	folder, err := os.MkdirTemp("", "bulk-")
	if err != nil {
		return 0, 0, err
	}
	defer os.RemoveAll(folder)
	name := filepath.Join(folder, "rows.csv")
	file, err := os.Create(name)
	if err != nil {
		return 0, 0, err
	}
	out := bufio.NewWriter(file)
	fmt.Fprintln(out, "account,code")
	for _, code := range codes {
		fmt.Fprintf(out, "%s,%s\n", account, code)
	}
	if err := out.Flush(); err != nil {
		return 0, 0, err
	}
	if err := file.Close(); err != nil {
		return 0, 0, err
	}
	erase := exec.CommandContext(ctx, binary, "erase", "--file", name, "--user", apiUser, "--yes", "--rate", "1000000",
		"--limit", strconv.Itoa(len(codes)))
	erase.Env = append(os.Environ(), "STACK=", "API_URL="+s.URL, "DYNAMODB_ENDPOINT="+s.endpoint, "API_USER_KEY="+apiKey)
	return runCommand(ctx, erase)
}

package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"mime"
	"net/http"
	"strconv"
)

// checkedAnswers is a transport that lets only whole answers of DynamoDB's through. The
// SDK takes other things for a success with nothing in it: an empty body, a proxy's page,
// an answer with a wrong checksum, "{}" with anything behind it. Then a write that nobody
// has done would be reported as done. Here such an answer is an error of the connection,
// after which the SDK sends the call again.
type checkedAnswers struct{ next http.RoundTripper }

// maxAnswer is more than DynamoDB ever answers with, which is 16 MB.
const maxAnswer = 32 << 20

var errNoAnswer = errors.New("store: what came is no answer of DynamoDB's")

// RoundTrip sends a request, and reads the whole answer. There are two answers that it
// does not look into: an error, which the SDK reads itself, and a page under a share of
// memory, which pageReader reads and checks when there is room for it.
func (c checkedAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= http.StatusBadRequest {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, maxAnswer), answer.Body}
		return answer, nil
	}
	if shareOf(r.Context()) != nil && answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if !isWhole(answer, body) {
		return nil, errNoAnswer
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// isWhole says whether body is all of an answer of DynamoDB's.
func isWhole(answer *http.Response, body []byte) bool {
	media, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	return answer.StatusCode == http.StatusOK && media == "application/x-amz-json-1.0" &&
		len(body) <= maxAnswer && bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) && json.Valid(body) &&
		hasChecksum(body, answer.Header.Get("X-Amz-Crc32"))
}

// hasChecksum says whether body has the checksum that DynamoDB gave. Emulators give none.
func hasChecksum(body []byte, checksum string) bool {
	if checksum == "" {
		return true
	}
	want, err := strconv.ParseUint(checksum, 10, 32)
	return err == nil && uint32(want) == crc32.ChecksumIEEE(body)
}

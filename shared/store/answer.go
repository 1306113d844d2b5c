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

// checkedAnswers lets only whole answers of DynamoDB's through. The SDK takes an empty body, the page of a proxy, whatever stands behind a
// first "{}", and an answer whose checksum is wrong for a success with nothing in it: a write that nobody has done would be
// reported as done. What is no answer is a lost one, and the SDK asks again.
type checkedAnswers struct{ next http.RoundTripper }

// mostAnswer is beyond the 16 MB that DynamoDB answers with at most.
const mostAnswer = 32 << 20

var errNoAnswer = errors.New("store: what came is no answer of DynamoDB's")

func (w checkedAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := w.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= http.StatusBadRequest { // the SDK reads errors, and makes one of what it cannot read
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, mostAnswer), answer.Body}
		return answer, nil
	}
	if shareOf(r.Context()) != nil && answer.StatusCode == http.StatusOK { // pageReader reads it once there is room for it
		return answer, nil
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer+1))
	if err != nil {
		return nil, err
	}
	if !whole(answer, body) {
		return nil, errNoAnswer
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// whole says whether body is all of an answer of DynamoDB's.
func whole(answer *http.Response, body []byte) bool {
	media, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	return answer.StatusCode == http.StatusOK && media == "application/x-amz-json-1.0" && len(body) <= mostAnswer &&
		bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) && json.Valid(body) && sums(answer.Header.Get("X-Amz-Crc32"), body)
}

// sums says whether body has the checksum that DynamoDB gave; emulators give none.
func sums(checksum string, body []byte) bool {
	if checksum == "" {
		return true
	}
	want, err := strconv.ParseUint(checksum, 10, 32)
	return err == nil && uint32(want) == crc32.ChecksumIEEE(body)
}

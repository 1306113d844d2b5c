// Package kms does on one machine what AWS KMS does for the function seal-ledger: it
// answers Sign and GetPublicKey for keys of the spec ECC_NIST_EDWARDS25519, over the same
// protocol and with the same errors, and remembers who asked. The keys are real ones, so
// that what they sign can be verified by anybody.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html
package kms

import (
	"crypto/ed25519"
	"crypto/x509"
	"fmt"
	"net"
	"slices"
	"sync"

	"customercare/infra/local/awsjson"
)

// What the keys are, as the template says it.
const (
	Spec  = "ECC_NIST_EDWARDS25519"
	Usage = "SIGN_VERIFY"
)

const (
	algorithm  = "ED25519_SHA_512" // signs a message itself, so its type is RAW
	ofDigests  = "ED25519_PH_SHA_512"
	maxMessage = 4096
)

// algorithms are those of KMS for any key.
var algorithms = []string{
	"RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512", "RSASSA_PKCS1_V1_5_SHA_256",
	"RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512", "ECDSA_SHA_256", "ECDSA_SHA_384", "ECDSA_SHA_512",
	"SM2DSA", "ML_DSA_SHAKE_256", algorithm, ofDigests,
}

// Request is one that named a caller and an action.
type Request struct {
	AccessKeyID string // who asked, as the signature says
	Action      string // e.g. Sign
	KeyARN      string // as the caller wrote it when there is no such key
}

// Server signs with keys. All methods may be called at the same time.
type Server struct {
	*awsjson.Server
	keys []Key

	mu    sync.Mutex
	calls []Request
}

// Serve answers requests at the listener until Close.
func Serve(listener net.Listener, keys []Key) *Server {
	s := &Server{keys: slices.Clone(keys)}
	s.Server = awsjson.Serve(listener, "TrentService", s.answer)
	return s
}

// Calls are all requests so far, in order.
func (s *Server) Calls() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// request is what the calls carry. Whatever else a request may hold is refused nowhere,
// and means nothing here.
type request struct {
	KeyId, MessageType, SigningAlgorithm string
	Message                              []byte
}

func (s *Server) answer(call awsjson.Call) (any, *awsjson.Refusal) {
	var asked request
	if refused := call.Read(&asked); refused != nil {
		return nil, refused
	}
	at := slices.IndexFunc(s.keys, func(k Key) bool { return asked.KeyId == k.ID || asked.KeyId == k.ARN })
	called := asked.KeyId
	if at >= 0 {
		called = s.keys[at].ARN
	}
	s.mu.Lock()
	s.calls = append(s.calls, Request{call.AccessKeyID, call.Action, called})
	s.mu.Unlock()
	switch {
	case call.Action != "Sign" && call.Action != "GetPublicKey":
		return nil, awsjson.UnknownOperation()
	case asked.KeyId == "":
		return nil, invalid("keyId", "Member must not be null")
	case call.Action == "Sign" && asked.fault() != nil:
		return nil, asked.fault()
	case at < 0:
		return nil, &awsjson.Refusal{
			Type: "NotFoundException", Message: fmt.Sprintf("Key '%s' does not exist", asked.KeyId),
		}
	case call.Action == "GetPublicKey":
		return s.keys[at].describe()
	}
	return s.keys[at].answer(asked)
}

// invalid refuses a value that no key could take.
func invalid(field, constraint string) *awsjson.Refusal {
	return &awsjson.Refusal{Type: "ValidationException", Message: fmt.Sprintf(
		"1 validation error detected: Value at '%s' failed to satisfy constraint: %s", field, constraint)}
}

// fault is what is wrong with a request for a signature, whatever its key; nil for
// nothing.
func (r request) fault() *awsjson.Refusal {
	switch {
	case len(r.Message) == 0:
		return invalid("message", "Member must have length greater than or equal to 1")
	case len(r.Message) > maxMessage:
		return invalid("message", fmt.Sprint("Member must have length less than or equal to ", maxMessage))
	case !slices.Contains(algorithms, r.SigningAlgorithm):
		return invalid("signingAlgorithm", fmt.Sprint("Member must satisfy enum value set: ", algorithms))
	case !slices.Contains([]string{"", "RAW", "DIGEST", "EXTERNAL_MU"}, r.MessageType):
		return invalid("messageType", "Member must satisfy enum value set: [RAW, DIGEST, EXTERNAL_MU]")
	}
	return nil
}

// answer signs what was asked. Digests are not signed here, though KMS would: nobody asks
// for it.
func (k Key) answer(asked request) (any, *awsjson.Refusal) {
	switch {
	case asked.SigningAlgorithm != algorithm:
		return nil, &awsjson.Refusal{Type: "InvalidKeyUsageException", Message: fmt.Sprintf(
			"Algorithm %s is incompatible with key spec %s.", asked.SigningAlgorithm, Spec)}
	case asked.MessageType != "" && asked.MessageType != "RAW":
		return nil, &awsjson.Refusal{Type: "ValidationException", Message: fmt.Sprintf(
			"MessageType %s is incompatible with the algorithm %s.", asked.MessageType, algorithm)}
	}
	signature := ed25519.Sign(k.private, asked.Message)
	return map[string]any{"KeyId": k.ARN, "Signature": signature, "SigningAlgorithm": algorithm}, nil
}

// describe gives the half of the key that verifies (DER, SubjectPublicKeyInfo), and what
// it is for.
func (k Key) describe() (any, *awsjson.Refusal) {
	public, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		return nil, &awsjson.Refusal{Type: "KMSInternalException"}
	}
	return map[string]any{
		"KeyId": k.ARN, "PublicKey": public, "KeySpec": Spec, "CustomerMasterKeySpec": Spec, "KeyUsage": Usage,
		"SigningAlgorithms": []string{algorithm, ofDigests},
	}, nil
}

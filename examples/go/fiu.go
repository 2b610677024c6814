// Command fiu is a small Financial Information User (FIU) for ReBIT's AA API 2.0.0, to copy and to extend.
//
// It raises consents, receives webhooks, and requests, fetches and decrypts the data of the accounts. A webhook about a consent is only
// a hint: what is true is what the AA answers. One about data says when to fetch. ../README.md explains the parts and the settings, and
// says what a real FIU needs besides.
package main

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/curve25519"
	"golang.org/x/crypto/hkdf"
)

var (
	aaURL        = setting("AA_URL", "http://127.0.0.1:8080")
	aaID         = setting("AA_ID", "mockaa")
	fiuID        = setting("FIU_ID", "FIU-1")
	apiKey       = setting("API_KEY", "mockaa-dev-fiu-1-api-key")
	keyFile      = setting("KEY_FILE", "fixtures/keys/fiu-1.pem")
	keyID        = setting("KEY_ID", "fiu-1-dev-1")
	host         = setting("HOST", "127.0.0.1")
	port         = setting("PORT", "9000")
	checkSeconds = setting("CHECK_SECONDS", "60")
)

const (
	version         = "2.0.0"
	tolerance       = 15 * time.Minute
	webhookBytesMax = 1_000_000
	attemptsMax     = 4
	waitMax         = 10 * time.Second
	retryAfterMax   = time.Hour
	callTimeout     = 30 * time.Second
	sessionsMax     = 3
)

var (
	ended        = map[string]bool{"REJECTED": true, "FAILED": true, "REVOKED": true, "EXPIRED": true}
	sessionEnded = map[string]bool{"COMPLETED": true, "FAILED": true, "EXPIRED": true}
	// Calls that make something: they are repeated only if the AA says that it has failed.
	making = map[string]bool{"/Consent": true, "/FI/request": true}
	// The last is mockaa's extension, which pushes the data; this FIU fetches it instead.
	notificationPaths = map[string]bool{"/Consent/Notification": true, "/FI/Notification": true, "/FI/Data": true}

	errInvalid     = errors.New("the message is not valid")
	errUnavailable = errors.New("the AA is not available")
	// The AA says that it has failed; else it may have done what it was asked.
	errFailed = fmt.Errorf("%w: it says so", errUnavailable)

	base64url = base64.RawURLEncoding
	client    = &http.Client{
		Timeout: callTimeout,
		// The API key is for the AA alone.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
)

// The fields of each message on which this FIU relies. A pointer is a field that may be missing.
type (
	heading struct {
		Version   string  `json:"ver"`
		Timestamp *string `json:"timestamp"`
		TxnID     string  `json:"txnid"`
	}
	consentCreated struct {
		heading
		ConsentHandle string `json:"ConsentHandle"`
	}
	consentStatus struct {
		heading
		ConsentHandle string `json:"ConsentHandle"`
		ConsentStatus struct {
			ID     *string `json:"id"`
			Status string  `json:"status"`
		} `json:"ConsentStatus"`
	}
	consentArtefact struct {
		heading
		ConsentID       string `json:"consentId"`
		CreateTimestamp string `json:"createTimestamp"`
		SignedConsent   string `json:"signedConsent"`
		Status          string `json:"status"`
		ConsentUse      struct {
			LogURI          string `json:"logUri"`
			Count           int    `json:"count"`
			LastUseDateTime string `json:"lastUseDateTime"`
		} `json:"ConsentUse"`
	}
	dataSession struct {
		heading
		ConsentID string `json:"consentId"`
		SessionID string `json:"sessionId"`
	}
	keyMaterial struct {
		DHPublicKey struct {
			KeyValue string `json:"KeyValue"`
		} `json:"DHPublicKey"`
		Nonce []byte `json:"Nonce"`
	}
	fetchedData struct {
		heading
		FI []struct {
			FIPID       string      `json:"fipID"`
			KeyMaterial keyMaterial `json:"KeyMaterial"`
			Data        []struct {
				LinkRefNumber   string `json:"linkRefNumber"`
				MaskedAccNumber string `json:"maskedAccNumber"`
				EncryptedFI     []byte `json:"encryptedFI"`
			} `json:"data"`
		} `json:"FI"`
	}
	notification struct {
		heading
		Notifier struct {
			Type string `json:"type"`
			ID   string `json:"id"`
		} `json:"Notifier"`
		ConsentStatus *struct {
			ConsentHandle string `json:"consentHandle"`
			ConsentStatus string `json:"consentStatus"`
		} `json:"ConsentStatusNotification"`
		SessionStatus *struct {
			SessionID     string `json:"sessionId"`
			SessionStatus string `json:"sessionStatus"`
		} `json:"FIStatusNotification"`
	}
	// object is a message to send.
	object map[string]any
)

// answer is a message of the AA, which repeats the version and the txnid of the message that it answers.
type answer interface{ head() *heading }

func (h *heading) head() *heading { return h }

// refusedError is the AA's refusal of a call, a status of 3xx or 4xx. The same call would be refused again.
type refusedError struct {
	status int
	text   string
}

func (e *refusedError) Error() string { return fmt.Sprintf("the AA answers %d: %s", e.status, e.text) }

func setting(name, standard string) string {
	if value, ok := os.LookupEnv(name); ok {
		return value
	}
	return standard
}

func formatTime(at time.Time) string {
	return at.UTC().Format("2006-01-02T15:04:05.000Z")
}

// checkTime refuses a timestamp that is missing, or more than 15 minutes off.
func checkTime(text *string) error {
	if text == nil {
		return fmt.Errorf("%w: timestamp is missing", errInvalid)
	}
	at, err := time.Parse(time.RFC3339, *text)
	if err != nil {
		// Some participants write the offset without a colon.
		at, err = time.Parse("2006-01-02T15:04:05Z0700", *text)
	}
	if err != nil {
		return fmt.Errorf("%w: %q is no timestamp with an offset", errInvalid, *text)
	}
	if time.Since(at).Abs() > tolerance {
		return fmt.Errorf("%w: %s is more than 15 minutes off", errInvalid, *text)
	}
	return nil
}

// checkID refuses an answer about another consent.
func checkID(id, expected string) error {
	if id != expected {
		return fmt.Errorf("%w: it is about the consent %q", errInvalid, id)
	}
	return nil
}

// randomBytes panics without a source of random numbers: no message and no key is safe then.
func randomBytes(count int) []byte {
	octets := make([]byte, count)
	if _, err := rand.Read(octets); err != nil {
		panic(err)
	}
	return octets
}

func newUUID() string {
	octets := randomBytes(16)
	octets[6], octets[8] = octets[6]&0x0f|0x40, octets[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", octets[:4], octets[4:6], octets[6:8], octets[8:10], octets[10:])
}

// decode reads JSON. It refuses a message that lacks a field, or has one of another type. Further fields are allowed.
func decode(message []byte, target any) error {
	var value any
	err := json.Unmarshal(message, &value)
	if err == nil {
		err = checkPresence(value, reflect.TypeOf(target).Elem(), "the message")
	}
	if err == nil {
		err = json.Unmarshal(message, target)
	}
	if err != nil {
		return fmt.Errorf("%w: %v", errInvalid, err)
	}
	return nil
}

// checkPresence refuses a value that lacks a field. Package json checks the types, but takes a missing field for an empty one.
func checkPresence(value any, shape reflect.Type, name string) error {
	optional := shape.Kind() == reflect.Pointer
	if optional {
		shape = shape.Elem()
	}
	switch value := value.(type) {
	case nil:
		if !optional {
			return fmt.Errorf("%s is missing", name)
		}
	case []any:
		if shape.Kind() != reflect.Slice {
			break
		}
		for _, item := range value {
			if err := checkPresence(item, shape.Elem(), "an entry of "+name); err != nil {
				return err
			}
		}
	case map[string]any:
		if shape.Kind() != reflect.Struct {
			break
		}
		for _, field := range reflect.VisibleFields(shape) {
			// What is embedded has no name of its own.
			if key := field.Tag.Get("json"); key != "" {
				if err := checkPresence(value[key], field.Type, key); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

type jwsHeader struct {
	Algorithm string   `json:"alg"`
	KeyID     string   `json:"kid"`
	Base64    *bool    `json:"b64"`
	Critical  []string `json:"crit"`
}

func decodeHeader(text string) (header jwsHeader, err error) {
	octets, err := base64url.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(octets, &header)
	}
	if err != nil {
		return header, fmt.Errorf("%w: the header of a JWS: %v", errInvalid, err)
	}
	return header, nil
}

// digest returns the SHA-256 of what a JWS signs.
func digest(encodedHeader string, payload []byte) []byte {
	hash := sha256.New()
	io.WriteString(hash, encodedHeader+".")
	hash.Write(payload)
	return hash.Sum(nil)
}

// AAKeys are the AA's public keys. A key that is not known is looked up once a minute at most: the AA may have a new one.
type AAKeys struct {
	mutex  sync.Mutex
	keys   map[string]*rsa.PublicKey
	readAt time.Time
}

func (k *AAKeys) find(keyID string) (*rsa.PublicKey, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.keys[keyID] == nil && time.Since(k.readAt) >= time.Minute {
		if k.keys != nil {
			// The first reading does not count: the AA can have a new key right after it.
			k.readAt = time.Now()
		}
		if err := k.read(); err != nil {
			return nil, err
		}
	}
	if k.keys[keyID] == nil {
		return nil, fmt.Errorf("%w: the AA has no key %q", errInvalid, keyID)
	}
	return k.keys[keyID], nil
}

// load reads the keys if there are none yet, so that an answer can be verified.
func (k *AAKeys) load() error {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.keys != nil {
		return nil
	}
	return k.read()
}

// read reads the keys. The caller holds the mutex.
func (k *AAKeys) read() error {
	keys, err := readAAKeys()
	if err != nil {
		return fmt.Errorf("%w: its keys cannot be read: %v", errUnavailable, err)
	}
	k.keys = keys
	return nil
}

func readAAKeys() (map[string]*rsa.PublicKey, error) {
	response, err := client.Get(aaURL + "/.well-known/jwks.json")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, errors.New(response.Status)
	}
	var set struct {
		Keys []struct{ Kid, N, E string }
	}
	if err := json.NewDecoder(response.Body).Decode(&set); err != nil {
		return nil, err
	}
	keys := make(map[string]*rsa.PublicKey)
	for _, key := range set.Keys {
		n, err := base64url.DecodeString(key.N)
		if err != nil {
			return nil, err
		}
		e, err := base64url.DecodeString(key.E)
		if err != nil {
			return nil, err
		}
		keys[key.Kid] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	}
	return keys, nil
}

// verify refuses a detached JWS, `header..signature`, that is not the AA's over these bytes.
func (k *AAKeys) verify(jws string, message []byte) error {
	parts := strings.Split(jws, ".")
	if len(parts) != 3 || parts[1] != "" {
		return fmt.Errorf("%w: it has no detached JWS", errInvalid)
	}
	header, err := decodeHeader(parts[0])
	if err != nil {
		return err
	}
	// The sender chooses neither the algorithm nor extensions of JWS.
	if header.Algorithm != "RS256" || header.Critical != nil && !reflect.DeepEqual(header.Critical, []string{"b64"}) {
		return fmt.Errorf("%w: the JWS is not with RS256 alone", errInvalid)
	}
	key, err := k.find(header.KeyID)
	if err != nil {
		return err
	}
	if header.Base64 == nil || *header.Base64 {
		message = []byte(base64url.EncodeToString(message))
	}
	signature, err := base64url.DecodeString(parts[2])
	if err == nil {
		err = rsa.VerifyPKCS1v15(key, crypto.SHA256, digest(parts[0], message), signature)
	}
	if err != nil {
		return fmt.Errorf("%w: the signature: %v", errInvalid, err)
	}
	return nil
}

// open decodes the content of a compact JWS, `header.payload.signature`, of the AA.
func (k *AAKeys) open(jws string, target any) error {
	parts := strings.Split(jws, ".")
	if len(parts) != 3 {
		return fmt.Errorf("%w: it has no compact JWS", errInvalid)
	}
	header, err := decodeHeader(parts[0])
	if err != nil {
		return err
	}
	content, err := base64url.DecodeString(parts[1])
	if err != nil || header.Base64 != nil {
		return fmt.Errorf("%w: a compact JWS has its payload in base64url", errInvalid)
	}
	if err := k.verify(parts[0]+".."+parts[2], content); err != nil {
		return err
	}
	return decode(content, target)
}

// x25519Prefix is what precedes the 32 bytes of an X25519 public key in its DER (RFC 8410).
const x25519Prefix = "\x30\x2a\x30\x05\x06\x03\x2b\x65\x6e\x03\x21\x00"

// SessionKey is a key pair and a nonce. Each data session has its own.
type SessionKey struct {
	private, public, nonce []byte
}

func newSessionKey() (*SessionKey, error) {
	private := randomBytes(curve25519.ScalarSize)
	public, err := curve25519.X25519(private, curve25519.Basepoint)
	return &SessionKey{private, public, randomBytes(32)}, err
}

// keyMaterial returns the public halves. Package json writes bytes in base64.
func (k *SessionKey) keyMaterial() object {
	publicKey := object{
		"expiry": formatTime(time.Now().AddDate(0, 0, 1)), "Parameters": "", "KeyValue": append([]byte(x25519Prefix), k.public...),
	}
	return object{"cryptoAlg": "ECDH", "curve": "Curve25519", "params": "", "Nonce": k.nonce, "DHPublicKey": publicKey}
}

// decrypt returns the document of an account, with the key material of its FIP.
func (k *SessionKey) decrypt(material keyMaterial, encrypted []byte) ([]byte, error) {
	text := material.DHPublicKey.KeyValue
	// PEM has its base64 between two labels.
	if parts := strings.Split(text, "-----"); len(parts) > 2 {
		text = parts[2]
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(der, []byte(x25519Prefix)) || len(material.Nonce) != len(k.nonce) {
		return nil, errors.New("no X25519 key, or no nonce of 32 bytes")
	}
	mixed := make([]byte, len(k.nonce))
	for i := range mixed {
		mixed[i] = k.nonce[i] ^ material.Nonce[i]
	}
	shared, err := curve25519.X25519(k.private, der[len(x25519Prefix):])
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	if _, err := io.ReadFull(hkdf.New(sha256.New, shared, mixed[:20], nil), key); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, mixed[20:], encrypted, nil)
}

// Aggregator is the AA, as this FIU calls it: signed requests, verified answers, and repetition of what broke.
type Aggregator struct {
	keys AAKeys
	key  *rsa.PrivateKey

	mutex  sync.Mutex
	freeAt time.Time
}

func newAggregator() (*Aggregator, error) {
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is no PEM", keyFile)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s has no RSA key in PKCS #8: %v", keyFile, err)
	}
	return &Aggregator{key: key}, nil
}

func (a *Aggregator) sign(message []byte) (string, error) {
	fields, err := json.Marshal(object{"alg": "RS256", "kid": keyID, "b64": false, "crit": []string{"b64"}})
	if err != nil {
		return "", err
	}
	header := base64url.EncodeToString(fields)
	signature, err := rsa.SignPKCS1v15(rand.Reader, a.key, crypto.SHA256, digest(header, message))
	return header + ".." + base64url.EncodeToString(signature), err
}

// call sends a message, and again if the AA fails. What it puts into result may be believed.
func (a *Aggregator) call(path string, content object, result answer) error {
	if err := a.keys.load(); err != nil {
		return err
	}
	for attempt := 0; attempt < attemptsMax; attempt++ {
		wait := a.remainingWait()
		if wait > waitMax {
			return fmt.Errorf("%w: it asked to wait for %.0f s more", errUnavailable, wait.Seconds())
		}
		time.Sleep(wait)
		err := a.send(path, content, result)
		if !errors.Is(err, errUnavailable) {
			return err
		}
		log.Printf("%s: %v", path, err)
		a.postpone(100 * time.Millisecond << attempt)
		if making[path] && !errors.Is(err, errFailed) {
			return err
		}
	}
	return fmt.Errorf("%w: %s has failed %d times", errUnavailable, path, attemptsMax)
}

func (a *Aggregator) remainingWait() time.Duration {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return time.Until(a.freeAt)
}

// postpone lets all calls wait, unless they wait longer already.
func (a *Aggregator) postpone(wait time.Duration) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if at := time.Now().Add(wait); at.After(a.freeAt) {
		a.freeAt = at
	}
}

func (a *Aggregator) send(path string, content object, result answer) error {
	message := object{"ver": version, "timestamp": formatTime(time.Now()), "txnid": newUUID()}
	for name, value := range content {
		message[name] = value
	}
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	signature, err := a.sign(body)
	if err != nil {
		return err
	}
	received, signature, err := a.post(path, body, signature)
	if err != nil {
		return err
	}
	if err := a.keys.verify(signature, received); errors.Is(err, errUnavailable) {
		return fmt.Errorf("%w: %v", errInvalid, err)
	} else if err != nil {
		return err
	}
	if err := decode(received, result); err != nil {
		return err
	}
	head := result.head()
	if head.Version != version || head.TxnID != message["txnid"] {
		return fmt.Errorf("%w: it answers another message, or in another version", errInvalid)
	}
	if _, isArtefact := result.(*consentArtefact); isArtefact && head.Timestamp == nil {
		return nil
	}
	return checkTime(head.Timestamp)
}

// post returns the body of an answer, and its signature.
func (a *Aggregator) post(path string, body []byte, signature string) ([]byte, string, error) {
	request, err := http.NewRequest(http.MethodPost, aaURL+path, bytes.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	request.Header.Set("content-type", "application/json")
	request.Header.Set("client_api_key", apiKey)
	request.Header.Set("x-jws-signature", signature)
	response, err := client.Do(request)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %v", errUnavailable, err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusTooManyRequests || response.StatusCode >= 500 {
		retryAfter := response.Header.Get("retry-after")
		if seconds, err := strconv.ParseUint(retryAfter, 10, 32); err == nil {
			wait := time.Duration(seconds) * time.Second
			if wait > retryAfterMax {
				wait = retryAfterMax
			}
			a.postpone(wait)
		} else if retryAfter != "" {
			// A date means little while the two clocks may differ.
			a.postpone(waitMax)
		}
		return nil, "", fmt.Errorf("%w: %d", errFailed, response.StatusCode)
	}
	received, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, "", fmt.Errorf("%w: no whole answer: %v", errUnavailable, err)
	}
	if response.StatusCode >= 300 {
		return nil, "", &refusedError{response.StatusCode, string(received)}
	}
	return received, response.Header.Get("x-jws-signature"), nil
}

// Application is a customer's application, and what this FIU has learned from the AA about it.
type Application struct {
	customer, handle, status string
	sessionID, sessionStatus string // empty without a session
	sessionKey               *SessionKey
	sessions                 int
	hasNewData               bool
	documents                map[string]document // by the reference of the account
}

type document struct {
	xml          []byte
	transactions int
}

func (a *Application) summarize() object {
	transactions := 0
	for _, it := range a.documents {
		transactions += it.transactions
	}
	return object{
		"handle": a.handle, "customer": a.customer, "status": a.status, "accounts": len(a.documents), "transactions": transactions,
	}
}

// FIU has all applications. One goroutine works on them, so that no two calls about one application run at a time.
type FIU struct {
	aggregator *Aggregator

	// mutex guards what follows, and the fields of the applications.
	mutex        sync.Mutex
	applications []*Application
	seenTxnIDs   map[string]bool
	earlyHandles map[string]bool
	jobs         []*Application // the first is at work
	jobsChanged  *sync.Cond
}

func newFIU(aggregator *Aggregator) *FIU {
	f := &FIU{aggregator: aggregator, seenTxnIDs: make(map[string]bool), earlyHandles: make(map[string]bool)}
	f.jobsChanged = sync.NewCond(&f.mutex)
	return f
}

// update makes a change while nobody else reads or changes anything.
func (f *FIU) update(change func()) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	change()
}

// find returns the application that matches, or nil. The caller holds the mutex.
func (f *FIU) find(matches func(*Application) bool) *Application {
	for _, application := range f.applications {
		if matches(application) {
			return application
		}
	}
	return nil
}

// enqueue notes that an application is to be checked. The caller holds the mutex.
func (f *FIU) enqueue(application *Application) {
	f.jobs = append(f.jobs, application)
	f.jobsChanged.Broadcast()
}

// apply raises a consent for the deposits of a customer: once, for the data of a year.
func (f *FIU) apply(customer string) (object, error) {
	at := time.Now().UTC()
	detail := object{
		"consentStart": formatTime(at), "consentExpiry": formatTime(at.AddDate(0, 0, 364)), "consentMode": "STORE",
		"fetchType": "PERIODIC", "consentTypes": []string{"PROFILE", "SUMMARY", "TRANSACTIONS"}, "fiTypes": []string{"DEPOSIT"},
		"DataConsumer": object{"id": fiuID, "type": "FIU"}, "Customer": object{"id": customer},
		"DataLife": object{"unit": "MONTH", "value": 1}, "Frequency": object{"unit": "DAY", "value": 1},
		"Purpose": object{
			"code": "101", "refUri": "https://api.rebit.org.in/aa/purpose/101.xml",
			"text": "Wealth management service", "Category": object{"type": "Personal Finance"},
		},
		"FIDataRange": object{"from": formatTime(at.AddDate(0, 0, -365)), "to": formatTime(at)},
	}
	var created consentCreated
	if err := f.aggregator.call("/Consent", object{"ConsentDetail": detail}, &created); errors.Is(err, errInvalid) {
		return nil, fmt.Errorf("%w: %v", errUnavailable, err)
	} else if err != nil {
		return nil, err
	}
	application := &Application{
		customer: customer, handle: created.ConsentHandle, status: "PENDING", documents: make(map[string]document),
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.applications = append(f.applications, application)
	if f.earlyHandles[application.handle] {
		delete(f.earlyHandles, application.handle)
		f.enqueue(application)
	}
	return application.summarize(), nil
}

// receive verifies a webhook, and notes what is to be checked. It returns the acknowledgement.
func (f *FIU) receive(path string, header http.Header, body []byte) (object, error) {
	if err := f.aggregator.keys.verify(header.Get("x-jws-signature"), body); err != nil {
		return nil, err
	}
	var message notification
	if err := decode(body, &message); err != nil {
		return nil, err
	}
	consent, session, isConsent := message.ConsentStatus, message.SessionStatus, path == "/Consent/Notification"
	if isConsent && consent == nil || !isConsent && session == nil {
		return nil, fmt.Errorf("%w: it has no status", errInvalid)
	}
	var token struct {
		Party  string  `json:"azp"`
		Expiry float64 `json:"exp"`
	}
	if err := f.aggregator.keys.open(header.Get("aa_api_key"), &token); err != nil {
		return nil, err
	}
	if token.Party != aaID || message.Notifier.ID != aaID || token.Expiry < float64(time.Now().Unix()) {
		return nil, fmt.Errorf("%w: it is not from %s", errInvalid, aaID)
	}
	if err := checkTime(message.Timestamp); err != nil {
		return nil, err
	}
	acknowledgement := object{"ver": message.Version, "timestamp": message.Timestamp, "txnid": message.TxnID, "response": "OK"}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	// A repetition has the txnid of the first, whatever the id of its delivery.
	if f.seenTxnIDs[message.TxnID] {
		return acknowledgement, nil
	}
	f.seenTxnIDs[message.TxnID] = true
	if isConsent {
		if application := f.find(func(it *Application) bool { return it.handle == consent.ConsentHandle }); application != nil {
			f.enqueue(application)
		} else {
			// It can come before the answer that names the handle.
			f.earlyHandles[consent.ConsentHandle] = true
		}
	} else if application := f.find(func(it *Application) bool { return it.sessionID == session.SessionID }); application != nil {
		application.hasNewData = true
		if sessionEnded[session.SessionStatus] {
			application.sessionStatus = session.SessionStatus
		}
		f.enqueue(application)
	}
	return acknowledgement, nil
}

// work checks the applications in turn, for ever.
func (f *FIU) work() {
	for {
		f.mutex.Lock()
		for len(f.jobs) == 0 {
			f.jobsChanged.Wait()
		}
		application := f.jobs[0]
		f.mutex.Unlock()
		if err := f.check(application); err != nil {
			log.Printf("application %s: %v; it will be checked again", application.handle, err)
		}
		f.update(func() {
			f.jobs = f.jobs[1:]
			f.jobsChanged.Broadcast()
		})
	}
}

// checkRegularly finds what a lost webhook would have said.
func (f *FIU) checkRegularly(interval time.Duration) {
	for {
		time.Sleep(interval)
		f.checkAll()
	}
}

// checkAll checks what can change, and returns what is known of each application when no job is left.
func (f *FIU) checkAll() []object {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for _, application := range f.applications {
		if !ended[application.status] {
			f.enqueue(application)
		}
	}
	for len(f.jobs) > 0 {
		f.jobsChanged.Wait()
	}
	return f.summarize()
}

// check asks the AA for the state of a consent, and takes the steps that it allows.
func (f *FIU) check(application *Application) error {
	var current consentStatus
	if err := f.aggregator.call("/Consent/handle", object{"ConsentHandle": application.handle}, &current); err != nil {
		return err
	}
	if err := checkID(current.ConsentHandle, application.handle); err != nil {
		return err
	}
	consentID, status := current.ConsentStatus.ID, current.ConsentStatus.Status
	f.update(func() { application.status = status })
	if ended[status] || consentID == nil {
		return nil
	}
	var artefact consentArtefact
	if err := f.aggregator.call("/Consent/fetch", object{"consentId": *consentID}, &artefact); err != nil {
		return err
	}
	if err := checkID(artefact.ConsentID, *consentID); err != nil {
		return err
	}
	f.update(func() { application.status = artefact.Status })
	// What the customer has signed counts, not what surrounds it.
	type party struct {
		ID string `json:"id"`
	}
	var consent struct {
		Customer     party  `json:"Customer"`
		DataConsumer party  `json:"DataConsumer"`
		FIDataRange  object `json:"FIDataRange"`
	}
	if err := f.aggregator.keys.open(artefact.SignedConsent, &consent); err != nil {
		return err
	}
	if consent.Customer.ID != application.customer || consent.DataConsumer.ID != fiuID {
		return fmt.Errorf("%w: it is signed for another customer or FIU", errInvalid)
	}
	if artefact.Status != "ACTIVE" {
		return nil
	}
	var wantsSession, wantsData bool
	f.update(func() {
		wantsSession = application.sessionID == "" && application.sessions < sessionsMax
		lacksData := application.sessionStatus == "ACTIVE" && len(application.documents) == 0
		wantsData = application.sessionID != "" && (application.hasNewData || lacksData)
	})
	switch {
	case wantsSession:
		signature := strings.Split(artefact.SignedConsent, ".")[2]
		return f.requestData(application, *consentID, signature, consent.FIDataRange)
	case wantsData:
		return f.fetchData(application)
	}
	return nil
}

// requestData begins a data session.
func (f *FIU) requestData(application *Application, consentID, signature string, dataRange object) error {
	key, err := newSessionKey()
	if err != nil {
		return err
	}
	consent := object{"id": consentID, "digitalSignature": signature}
	content := object{"FIDataRange": dataRange, "KeyMaterial": key.keyMaterial(), "Consent": consent}
	var session dataSession
	if err := f.aggregator.call("/FI/request", content, &session); err != nil {
		return err
	}
	if err := checkID(session.ConsentID, consentID); err != nil {
		return err
	}
	f.update(func() {
		application.sessionID, application.sessionKey, application.sessionStatus = session.SessionID, key, "ACTIVE"
		application.sessions++
	})
	return nil
}

// fetchData fetches the data that is there, and decrypts it.
func (f *FIU) fetchData(application *Application) error {
	f.update(func() { application.hasNewData = false })
	documents, err := f.readDocuments(application)
	var refused *refusedError
	if err != nil && !errors.As(err, &refused) {
		f.update(func() { application.hasNewData = true })
		return err
	}
	// 404: there is no data yet, or the banks gave none.
	if refused != nil && refused.status != http.StatusNotFound {
		return err
	}
	f.update(func() {
		for reference, it := range documents {
			application.documents[reference] = it
		}
		if application.sessionStatus == "FAILED" && len(application.documents) == 0 {
			// The banks get another chance at the next check.
			application.sessionID = ""
		}
	})
	return nil
}

// readDocuments returns the documents of a session, by the reference of their account.
func (f *FIU) readDocuments(application *Application) (map[string]document, error) {
	var fetched fetchedData
	if err := f.aggregator.call("/FI/fetch", object{"sessionId": application.sessionID}, &fetched); err != nil {
		return nil, err
	}
	documents := make(map[string]document)
	for _, entry := range fetched.FI {
		for _, item := range entry.Data {
			text, err := application.sessionKey.decrypt(entry.KeyMaterial, item.EncryptedFI)
			if err != nil {
				return nil, fmt.Errorf("%w: the data does not decrypt: %v", errInvalid, err)
			}
			documents[item.LinkRefNumber] = document{text, countTransactions(text)}
		}
	}
	return documents, nil
}

func countTransactions(text []byte) (count int) {
	for decoder := xml.NewDecoder(bytes.NewReader(text)); ; {
		token, err := decoder.Token()
		if err != nil {
			return count
		}
		if element, ok := token.(xml.StartElement); ok && element.Name.Local == "Transaction" {
			count++
		}
	}
}

// summarize returns what is known of each application. The caller holds the mutex.
func (f *FIU) summarize() []object {
	summaries := make([]object, 0, len(f.applications))
	for _, application := range f.applications {
		summaries = append(summaries, application.summarize())
	}
	return summaries
}

// ServeHTTP answers the AA's notifications, and the lender's own calls of /applications: a real one has a log-in, and is not reachable
// from where the webhooks come.
func (f *FIU) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var status int
	var content any
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, webhookBytesMax))
	if err == nil {
		status, content, err = f.respond(r, body)
	}
	if err != nil {
		status, content = chooseStatus(r.URL.Path, err), object{"error": err.Error()}
	}
	w.Header().Set("content-type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(content)
}

func (f *FIU) respond(r *http.Request, body []byte) (int, any, error) {
	path := r.URL.Path
	switch {
	case r.Method == http.MethodGet && path == "/applications":
		f.mutex.Lock()
		defer f.mutex.Unlock()
		return http.StatusOK, f.summarize(), nil
	case r.Method == http.MethodPost && notificationPaths[path]:
		acknowledgement, err := f.receive(path, r.Header, body)
		return http.StatusOK, acknowledgement, err
	case r.Method == http.MethodPost && path == "/applications":
		var request struct {
			Customer string `json:"customer"`
		}
		if err := decode(body, &request); err != nil {
			return 0, nil, err
		}
		summary, err := f.apply(request.Customer)
		return http.StatusCreated, summary, err
	case r.Method == http.MethodPost && path == "/applications/check":
		return http.StatusOK, f.checkAll(), nil
	}
	return http.StatusNotFound, object{"error": path + " is not known"}, nil
}

// chooseStatus returns the status of an answer for what went wrong.
func chooseStatus(path string, err error) int {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	var refused *refusedError
	if errors.Is(err, errUnavailable) || errors.As(err, &refused) {
		return http.StatusBadGateway
	}
	log.Printf("%s is refused: %v", path, err)
	if notificationPaths[path] {
		return http.StatusUnauthorized
	}
	return http.StatusBadRequest
}

func main() {
	interval, err := time.ParseDuration(checkSeconds + "s")
	if err != nil {
		log.Fatalf("CHECK_SECONDS: %v", err)
	}
	aggregator, err := newAggregator()
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		log.Fatal(err)
	}
	f := newFIU(aggregator)
	go f.work()
	go f.checkRegularly(interval)
	fmt.Printf("listening on %s:%d\n", host, listener.Addr().(*net.TCPAddr).Port)
	server := &http.Server{Handler: f, ReadTimeout: callTimeout}
	log.Fatal(server.Serve(listener))
}

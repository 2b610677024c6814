package mockaa.junit;

/** An answer of the AA that an FIU must refuse: its signature, its {@code txnid} or its time is wrong. */
public final class SignatureError extends AssertionError {
    private static final long serialVersionUID = 1L;

    SignatureError(String problem) {
        super(problem);
    }
}

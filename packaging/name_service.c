/* Lets a static program find hosts by /etc/hosts and DNS alone.
 *
 * glibc would load a module of the system for each other word in the line `hosts` of /etc/nsswitch.conf. The module
 * brings the C library of the system with it, which ends the program if it is another version than the one within. */
#include <nss.h>

__attribute__((constructor)) static void find_hosts_without_modules(void)
{
    __nss_configure_lookup("hosts", "files dns");
}

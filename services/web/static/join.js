// What follows the # of an invitation's link is known to the browser alone: it is put where the form sends it from.
"use strict";
{
  const field = document.getElementById("invitation");
  const link = location.hash.slice(1);
  if (field && !field.value && /^living_invitation_[0-9A-Za-z_-]+$/.test(link)) {
    field.value = link;
    history.replaceState(null, "", location.pathname);
    document.getElementById("name")?.focus();
  }
}
